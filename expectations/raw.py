"""The suite that a table of real rows must pass before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from realmix.expectations.declared import declared_rules

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

# Fewer rows allow neither a holdout nor folds.
MIN_ROWS = 60
# A column with more missing values says little; the study continues with it.
MAX_MISSING_FRACTION = 0.5
# Dates outside stand for "unknown" or "never" in most systems. Full timestamps: with a date
# alone Great Expectations 1.24 compares a timestamp with a date and fails.
EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)


def suite(metadata: Mapping[str, Any]) -> ExpectationSuite:
    """Build the suite of a raw table.

    Parameters
    ----------
    metadata : mapping
        ``schema`` (plain values of the study's schema), ``key`` and ``time`` (column or
        None), ``rules`` (the card's, as plain values), ``rule_columns`` (places of the rules
        that have a column ``_realmix_rule_<i>``, true where broken) and ``is_batch`` (true for
        new rows of a registered table: they may be few, and wait for a target).

    Returns
    -------
    ExpectationSuite
        For a frame with the columns of the file, dates as timestamps, then ``_realmix_rule_<i>``.
    """
    from realmix.expectations.custom import CRITICAL, QUARANTINE, STOP, gx, gxe

    schema = metadata["schema"]
    names = [column["name"] for column in schema["columns"]]
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=names, exact_match=False, severity=CRITICAL, meta=STOP),
        *(() if metadata.get("is_batch") else _complete(schema)),
        *_target_classes(schema),
        *_present(metadata),
        *_declared_ranges(metadata["rules"]),
        *declared_rules(metadata["rule_columns"], QUARANTINE),
    ]
    for column in schema["columns"]:
        expectations += _column(column)
    expectations += _duplicates(schema)
    return gx.ExpectationSuite(name="raw", expectations=expectations)


def _complete(schema: Mapping[str, Any]) -> Iterator[Expectation]:
    """Yield the expectations of enough rows, each with a target."""
    from realmix.expectations.custom import CRITICAL, QUARANTINE, STOP, gxe

    yield gxe.ExpectTableRowCountToBeBetween(min_value=MIN_ROWS, severity=CRITICAL, meta=STOP)
    yield gxe.ExpectColumnValuesToNotBeNull(column=schema["target"], severity=CRITICAL, meta=QUARANTINE)


def _target_classes(schema: Mapping[str, Any]) -> Iterator[Expectation]:
    """Yield the expectation that the target is a known class; numeric targets are checked as all numbers."""
    from realmix.expectations.custom import CRITICAL, QUARANTINE, ExpectColumnLevelsToBeKnown

    target = schema["target"]
    if schema["task"] != "regression":
        raw_type = next(c["raw_type"] for c in schema["columns"] if c["name"] == target)
        yield ExpectColumnLevelsToBeKnown(
            column=target,
            value_set=[_typed(label, raw_type) for label in schema["classes"]],
            severity=CRITICAL,
            meta=QUARANTINE,
        )


def _present(metadata: Mapping[str, Any]) -> Iterator[Expectation]:
    """Yield the expectations that declared key and time are present, and that no key occurs twice."""
    from realmix.expectations.custom import CRITICAL, QUARANTINE, ExpectRowKeyToBeUnique, gxe

    for column in filter(None, [metadata["key"], metadata["time"]]):
        yield gxe.ExpectColumnValuesToNotBeNull(column=column, severity=CRITICAL, meta=QUARANTINE)
    if metadata["key"]:
        yield ExpectRowKeyToBeUnique(column=metadata["key"], severity=CRITICAL, meta=QUARANTINE)


def _declared_ranges(rules: list[Mapping[str, Any]]) -> Iterator[Expectation]:
    from realmix.expectations.custom import CRITICAL, QUARANTINE, ExpectDeclaredRangeToHold

    for rule in rules:
        if rule["kind"] == "range" and (rule["minimum"], rule["maximum"]) != (None, None):
            yield ExpectDeclaredRangeToHold(
                column=rule["column"],
                min_value=rule["minimum"],
                max_value=rule["maximum"],
                severity=CRITICAL,
                meta=QUARANTINE,
            )


def _column(column: Mapping[str, Any]) -> Iterator[Expectation]:
    from realmix.expectations.custom import (
        CRITICAL,
        INFO,
        LARGEST_FLOAT,
        QUARANTINE,
        STOP,
        WARNING,
        ExpectColumnNumbersToBeFinite,
        ExpectDatesToBePlausible,
        gxe,
    )

    name, kind = column["name"], column["kind"]
    if column["role"] != "target":
        yield gxe.ExpectColumnValuesToNotBeNull(
            column=name, mostly=1 - MAX_MISSING_FRACTION, severity=WARNING, meta=STOP
        )
    if kind != "empty":
        yield gxe.ExpectColumnUniqueValueCountToBeBetween(column=name, min_value=2, severity=INFO, meta=STOP)
    if kind == "numeric":
        yield ExpectColumnNumbersToBeFinite(
            column=name,
            min_value=-LARGEST_FLOAT,
            max_value=LARGEST_FLOAT,
            severity=CRITICAL,
            meta=QUARANTINE,
        )
    if kind == "datetime":
        yield ExpectDatesToBePlausible(
            column=name, min_value=EARLIEST, max_value=LATEST, severity=WARNING, meta=STOP
        )


def _duplicates(schema: Mapping[str, Any]) -> Iterator[Expectation]:
    """Yield the expectation of no equal rows; it only informs, as two people may have equal values."""
    from realmix.expectations.custom import INFO, STOP, gxe

    names = [c["name"] for c in schema["columns"] if c["kind"] != "identifier" and c["role"] != "key"]
    if len(names) > 1:
        yield gxe.ExpectCompoundColumnsToBeUnique(
            column_list=names, ignore_row_if="never", severity=INFO, meta=STOP
        )


def _typed(label: str, raw_type: str) -> str | int | float | bool:
    """Convert a class label to its type in the file."""
    if raw_type == "integer":
        return int(label)
    if raw_type == "float":
        return float(label)
    return label == "True" if raw_type == "boolean" else label

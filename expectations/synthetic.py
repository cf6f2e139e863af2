"""The suite that synthetic rows must pass before they are mixed with real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from realmix.expectations.declared import RULE_COLUMN, declared_rules

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

# With more copies than this, the "synthetic" rows are partly the real ones.
MAX_COPIES_FRACTION = 0.05
COPIES_COLUMN = "_realmix_copies_real"
# Type of each kind of column in the frame that is validated.
PANDAS_TYPES = {
    "numeric": "float64",
    "integer": "Int64",
    "categorical": "object",
    "datetime": "datetime64[ns]",
}


def suite(metadata: Mapping[str, Any]) -> ExpectationSuite:
    """Build the suite of a synthetic table.

    Parameters
    ----------
    metadata : mapping
        ``schema`` (plain values; levels and ranges are those of the real training rows),
        ``class_counts`` (mapping of class to requested rows, or None), ``rule_columns`` (indices
        of the card's rules that have a column ``_realmix_rule_<i>``, true where broken) and
        ``is_control`` (controls may copy real rows, that is their purpose).

    Returns
    -------
    ExpectationSuite
        For a frame of the modelled columns, then ``_realmix_rule_<i>`` and ``_realmix_copies_real``; whole
        numbers as Int64, dates as timestamps.
    """
    from realmix.expectations.custom import (
        CRITICAL,
        STOP,
        ExpectColumnTypesToBe,
        ExpectValueCountsToEqual,
        gx,
        gxe,
    )

    columns = modelled(metadata["schema"])
    extra = [RULE_COLUMN.format(i) for i in metadata["rule_columns"]]
    extra += [] if metadata["is_control"] else [COPIES_COLUMN]
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchOrderedList(
            column_list=[c["name"] for c in columns] + extra, severity=CRITICAL, meta=STOP
        ),
        ExpectColumnTypesToBe(
            types={c["name"]: _pandas_type(c) for c in columns}, severity=CRITICAL, meta=STOP
        ),
        *_values(columns),
        *declared_rules(metadata["rule_columns"], STOP),
    ]
    if metadata["class_counts"] is not None:
        expectations.append(
            ExpectValueCountsToEqual(
                column=metadata["schema"]["target"],
                counts=metadata["class_counts"],
                severity=CRITICAL,
                meta=STOP,
            )
        )
    if not metadata["is_control"]:
        expectations += _copies()
    return gx.ExpectationSuite(name="synthetic", expectations=expectations)


def modelled(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the feature columns, then the target, of a schema in plain values.

    Examples
    --------
    >>> target = {"name": "y", "kind": "categorical", "role": "target"}
    >>> other = {"name": "id", "kind": "identifier", "role": "feature"}
    >>> feature = {"name": "x", "kind": "numeric", "role": "feature"}
    >>> [c["name"] for c in modelled({"target": "y", "columns": [target, other, feature]})]
    ['x', 'y']
    """
    features = [
        c for c in schema["columns"] if c["role"] in ("feature", "time") and c["kind"] in PANDAS_TYPES
    ]
    return [*features, *(c for c in schema["columns"] if c["name"] == schema["target"])]


def _pandas_type(column: Mapping[str, Any]) -> str:
    is_integer = column["kind"] == "numeric" and column["raw_type"] == "integer"
    return PANDAS_TYPES["integer" if is_integer else column["kind"]]


def _values(columns: list[Mapping[str, Any]]) -> Iterator[Expectation]:
    """Yield levels and ranges of the real rows; missing values only where the real rows have some.

    One expectation covers all columns, for speed: a study validates some fifty pools.
    """
    from realmix.expectations.custom import (
        CRITICAL,
        STOP,
        ExpectLevelsToBeKnown,
        ExpectNoValueToBeMissing,
        ExpectValuesToStayInRange,
    )

    complete = [c["name"] for c in columns if c["role"] == "target" or not c["has_missing"]]
    levels = {c["name"]: list(c["levels"]) for c in columns if c["kind"] == "categorical"}
    ranges = {c["name"]: [c["minimum"], c["maximum"]] for c in columns if c["minimum"] is not None}
    yield ExpectNoValueToBeMissing(columns=complete, severity=CRITICAL, meta=STOP)
    yield ExpectLevelsToBeKnown(levels=levels, severity=CRITICAL, meta=STOP)
    yield ExpectValuesToStayInRange(ranges=ranges, severity=CRITICAL, meta=STOP)


def _copies() -> Iterator[Expectation]:
    """Yield a warning for many copies of real rows, and an information for a single one."""
    from realmix.expectations.custom import INFO, STOP, WARNING, ExpectSyntheticRowsNotToCopyReal

    for severity, mostly in ((WARNING, 1 - MAX_COPIES_FRACTION), (INFO, 1.0)):
        yield ExpectSyntheticRowsNotToCopyReal(
            column=COPIES_COLUMN, value_set=[False], mostly=mostly, severity=severity, meta=STOP
        )

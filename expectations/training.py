"""The suite that a training table must pass before its model ships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

ORIGIN, WEIGHT, SOFT_TARGET = "_realmix_origin", "_realmix_weight", "_realmix_target"
PROVENANCE = (ORIGIN, WEIGHT, "_realmix_seed", "_realmix_snapshot")
PROBA = "_realmix_proba_{}"
# Rounding of a few probabilities in single precision.
SUM_TOLERANCE = 1e-6


def suite(metadata: Mapping[str, Any]) -> ExpectationSuite:
    """Build the suite of a training table.

    Parameters
    ----------
    metadata : mapping
        ``schema`` (plain values), ``n_real`` (rows of origin ``real``), ``synthesizers``
        (names of the other origins) and ``is_soft`` (whether labels are probabilities).

    Returns
    -------
    ExpectationSuite
        For a frame with the columns of the file and the ``_realmix_`` ones.
    """
    from realmix.expectations.custom import (
        CRITICAL,
        STOP,
        ExpectColumnLevelsToBeKnown,
        ExpectValueCountsToEqual,
        gx,
        gxe,
    )

    schema = metadata["schema"]
    soft = soft_columns(schema) if metadata["is_soft"] else []
    names = [*(c["name"] for c in schema["columns"]), *PROVENANCE, *soft]
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=names, exact_match=True, severity=CRITICAL, meta=STOP),
        gxe.ExpectColumnValuesToNotBeNull(column=schema["target"], severity=CRITICAL, meta=STOP),
        gxe.ExpectColumnValuesToNotBeNull(column=ORIGIN, severity=CRITICAL, meta=STOP),
        ExpectColumnLevelsToBeKnown(
            column=ORIGIN, value_set=["real", *metadata["synthesizers"]], severity=CRITICAL, meta=STOP
        ),
        ExpectValueCountsToEqual(
            column=ORIGIN, counts={"real": metadata["n_real"]}, severity=CRITICAL, meta=STOP
        ),
        *_weights(),
        *_soft_labels(schema["task"], soft),
    ]
    return gx.ExpectationSuite(name="training", expectations=expectations)


def soft_columns(schema: Mapping[str, Any]) -> list[str]:
    """Name the columns of soft labels: one per class, or one for a regression.

    Examples
    --------
    >>> soft_columns({"task": "binary", "classes": ["no", "yes"]})
    ['_realmix_proba_no', '_realmix_proba_yes']
    """
    if schema["task"] == "regression":
        return [SOFT_TARGET]
    return [PROBA.format(label) for label in schema["classes"]]


def _weights() -> Iterator[Expectation]:
    """Yield the expectations that weights are finite and not negative; 0 is allowed."""
    from realmix.expectations.custom import CRITICAL, LARGEST_FLOAT, STOP, gxe

    yield gxe.ExpectColumnValuesToNotBeNull(column=WEIGHT, severity=CRITICAL, meta=STOP)
    yield gxe.ExpectColumnValuesToBeBetween(
        column=WEIGHT, min_value=0.0, max_value=LARGEST_FLOAT, severity=CRITICAL, meta=STOP
    )


def _soft_labels(task: str, columns: list[str]) -> Iterator[Expectation]:
    """Yield the expectations that each row's probabilities are in [0, 1] and sum to 1, or numbers finite."""
    from realmix.expectations.custom import CRITICAL, LARGEST_FLOAT, STOP, ExpectProbabilitiesToSumToOne, gxe

    low, high = (-LARGEST_FLOAT, LARGEST_FLOAT) if task == "regression" else (0.0, 1.0)
    for column in columns:
        yield gxe.ExpectColumnValuesToNotBeNull(column=column, severity=CRITICAL, meta=STOP)
        yield gxe.ExpectColumnValuesToBeBetween(
            column=column, min_value=low, max_value=high, severity=CRITICAL, meta=STOP
        )
    if columns and task != "regression":
        yield ExpectProbabilitiesToSumToOne(
            columns=columns, tolerance=SUM_TOLERANCE, severity=CRITICAL, meta=STOP
        )

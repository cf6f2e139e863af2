"""Our own expectations: what each counts, and where its bound lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.validation.results import ExpectationOutcome
from realmix.tasks.validation.run import run_suite

FRAME = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 50.0],
        "job": pd.Series(["cook", "nurse", None, "pilot"], dtype=object),
        "day": pd.to_datetime(["2026-01-01", "2026-01-02", None, "2026-01-04"]),
        "no": [0.25, 0.5, 1.0, 0.0],
        "yes": [0.75, 0.5, 0.0, 1.0],
    }
)


def outcome(name: str, frame: pd.DataFrame = FRAME, **arguments: Any) -> ExpectationOutcome:
    """What one expectation finds in a table."""
    from realmix.expectations import custom

    expectation = getattr(custom, name)(**arguments, severity=custom.CRITICAL)
    suite = custom.gx.ExpectationSuite("one", expectations=[expectation])
    (found,) = run_suite(frame, suite, is_detailed=True).expectations
    assert found.exception is None
    return found


@pytest.mark.parametrize(
    ("name", "arguments", "counts"),
    [
        ("ExpectNoValueToBeMissing", {"columns": ["age", "job", "no"]}, {"age": 1, "job": 1}),
        ("ExpectNoValueToBeMissing", {"columns": ["no", "yes"]}, {}),
        ("ExpectLevelsToBeKnown", {"levels": {"job": ["cook", "nurse"]}}, {"job": 1}),
        ("ExpectLevelsToBeKnown", {"levels": {"job": ["cook", "nurse", "pilot"]}}, {}),
        ("ExpectValuesToStayInRange", {"ranges": {"age": [20, 50], "no": [0.1, 0.9]}}, {"no": 2}),
        ("ExpectValuesToStayInRange", {"ranges": {"age": [21, 49]}}, {"age": 2}),
        ("ExpectValuesToStayInRange", {"ranges": {"day": ["2026-01-01", "2026-01-03"]}}, {"day": 1}),
        ("ExpectColumnTypesToBe", {"types": {"age": "float64", "job": "object"}}, {}),
        (
            "ExpectColumnTypesToBe",
            {"types": {"age": "Int64", "town": "object"}},
            {"age": "float64", "town": "absent"},
        ),
    ],
)
def test_columns_are_named_with_what_is_wrong_in_them_and_no_others(
    name: str, arguments: dict[str, Any], counts: dict[str, Any]
) -> None:
    found = outcome(name, **arguments)
    assert found.success is (counts == {})
    assert (found.observed or {}) == counts


@pytest.mark.parametrize(
    ("counts", "passes"),
    [
        ({"cook": 1, "nurse": 1}, True),
        ({"cook": 1, "baker": 0}, True),
        ({"cook": 2}, False),
        ({"baker": 1}, False),
    ],
)
def test_values_occur_exactly_as_often_as_expected_and_others_may_occur(
    counts: dict[str, int], passes: bool
) -> None:
    found = outcome("ExpectValueCountsToEqual", column="job", counts=counts)
    assert found.success is passes


def psi(values: list[int], maximum: float = 9.0, prior: float = 0.0) -> ExpectationOutcome:
    arguments = {"reference": {"0": 50, "1": 50, "2": 0}, "prior": prior, "maximum": maximum}
    return outcome("ExpectColumnPsiToBeAtMost", pd.DataFrame({"bin": values}), column="bin", **arguments)


def test_the_stability_index_is_that_of_the_textbook() -> None:
    # Shares of one half each against one quarter and three quarters.
    by_hand = (0.25 - 0.5) * np.log(0.25 / 0.5) + (0.75 - 0.5) * np.log(0.75 / 0.5)
    assert psi([0, 1, 1, 1]).observed == pytest.approx(by_hand)
    assert psi([0, 0, 1, 1]).observed == 0
    assert psi([0, 1, 1, 1], maximum=by_hand + 1e-9).success
    assert not psi([0, 1, 1, 1], maximum=by_hand - 1e-9).success


def test_a_bin_that_only_one_side_fills_is_large_drift_and_not_an_infinite_one() -> None:
    found = psi([0, 1, 1, 2] * 10, prior=0.5)
    assert 0.5 < found.observed < 5
    assert psi([0, 1, 0, 1], prior=0.5).observed == pytest.approx(0, abs=0.01), "an empty bin counts nowhere"


@pytest.mark.parametrize(
    ("change", "passes"),
    [({}, True), ({"yes": [0.75, 0.5, 0.0, 1.001]}, False), ({"yes": [0.75, 0.5, 0.0, None]}, False)],
)
def test_probabilities_sum_to_one_in_every_row(change: dict[str, Any], passes: bool) -> None:
    arguments = {"columns": ["no", "yes"], "tolerance": 1e-6}
    assert outcome("ExpectProbabilitiesToSumToOne", FRAME.assign(**change), **arguments).success is passes

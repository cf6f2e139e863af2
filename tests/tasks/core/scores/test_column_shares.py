"""Shares of columns for pictures: rare levels name nobody, outliers hide nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.scores.column_shares import (
    MIN_ROWS,
    N_LEVELS,
    OTHERS,
    bin_names,
    correlated_pairs,
    level_shares,
    number_shares,
)


def test_a_level_of_few_rows_is_not_named():
    real = pd.Series(["common"] * 50 + ["Anna"] * (MIN_ROWS - 1))
    names, shares, synthetic = level_shares(real, pd.Series(["Anna"] * 4))
    assert names == ["common", OTHERS]
    assert sum(shares) == pytest.approx(1, abs=1e-5) and synthetic == [0.0, 1.0]


def test_at_most_eight_levels_are_named():
    real = pd.Series([f"level {i}" for i in range(20)] * MIN_ROWS)
    names, *_ = level_shares(real, real)
    assert len(names) == N_LEVELS + 1 and names[-1] == OTHERS


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_shares_of_numbers_sum_to_those_that_are_present(values):
    real = pd.Series(values)
    edges, shares, synthetic = number_shares(real, pd.Series([*values, np.nan]))
    assert len(edges) == len(shares) + 1
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert sum(synthetic) == pytest.approx(len(values) / (len(values) + 1), abs=1e-4)


def test_one_outlier_does_not_press_all_others_into_one_bin():
    _, shares, _ = number_shares(pd.Series([*range(1_000), 1e9]), pd.Series([0.0]))
    assert max(shares) < 0.2


def test_bins_of_dates_are_days():
    assert bin_names(np.array([0.0, 86_400.0]), is_date=True) == ["1970-01-01 to 1970-01-02"]


def test_a_column_that_does_not_vary_has_no_correlation():
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [5.0, 5.0, 5.0], "c": [3.0, 1.0, 2.0]})
    assert [(a, b) for a, b, *_ in correlated_pairs(rows, rows)] == [("a", "c")]


def test_levels_called_as_the_rest_is_are_counted_with_it():
    real = pd.Series(["others"] * 20 + ["missing"] * 20 + ["a"] * 10 + [None] * 10)
    names, shares, _ = level_shares(real, real)
    assert names == ["a", "others", "missing"] and shares == pytest.approx([1 / 6, 2 / 3, 1 / 6], abs=1e-5)


def test_letters_that_steer_a_terminal_are_spelt_out_in_the_name_of_a_level():
    names, _, _ = level_shares(pd.Series(["a\x1b[2J"] * 20), pd.Series(["b"]))
    assert names[0] == "a\\x1b[2J"

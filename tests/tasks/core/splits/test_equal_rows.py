"""Repeats stay together; rows that are equal by chance do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.splits.equal_rows import equal_row_groups


def flags(n_rows: int, n_columns: int, seed: int = 0) -> pd.DataFrame:
    """Independent yes/no columns."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"f{i}": rng.choice(["no", "yes"], n_rows) for i in range(n_columns)})


def numbers(n_rows: int, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n_rows, 3)), columns=list("abc"))


def are_apart(groups: np.ndarray) -> bool:
    return len(set(groups.tolist())) == len(groups)


@pytest.mark.parametrize("n_columns", [1, 3, 8])
def test_equal_rows_of_a_few_discrete_columns_are_chance(n_columns):
    assert are_apart(equal_row_groups(flags(500, n_columns)))


def test_columns_that_depend_on_each_other_have_more_equal_rows_and_are_chance_all_the_same():
    rows = flags(500, 1)
    for i in range(1, 8):
        noise = np.random.default_rng(i).random(500) < 0.1
        rows[f"f{i}"] = np.where(noise, "no", rows[f"f{i - 1}"])
    assert are_apart(equal_row_groups(rows))


@pytest.mark.parametrize("make", [numbers, lambda n: flags(n, 20).assign(x=numbers(n)["a"])])
def test_rows_that_stand_twice_in_a_table_of_measurements_stay_together(make):
    rows = make(300)
    twice = pd.concat([rows, rows.iloc[:6]], ignore_index=True)
    groups = equal_row_groups(twice)
    assert groups[300:].tolist() == groups[:6].tolist()
    assert len(set(groups.tolist())) == 300


def test_a_table_of_codes_that_was_appended_to_itself_is_no_chance():
    rows = flags(200, 16)
    groups = equal_row_groups(pd.concat([rows, rows], ignore_index=True))
    assert groups[200:].tolist() == groups[:200].tolist()


def test_missing_cells_are_equal_to_each_other():
    rows = numbers(50)
    rows.loc[[3, 7]] = [1.0, np.nan, 2.0]
    groups = equal_row_groups(rows)
    assert groups[3] == groups[7] and len(set(groups.tolist())) == 49


def test_without_features_or_rows_nothing_is_equal():
    assert len(equal_row_groups(pd.DataFrame(index=range(3)))) == 3
    assert equal_row_groups(numbers(0)).tolist() == []

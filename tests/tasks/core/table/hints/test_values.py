from __future__ import annotations

import numpy as np
import pytest

from tests.tasks.core.table.hints.tables import hints_of, honest, quantity


def test_a_target_value_that_decides_every_score_is_named_by_its_row_and_not_by_its_value():
    table = quantity()
    table.loc[3, "left"] = 1e9
    (hint,) = hints_of(table)
    assert (hint.kind, hint.is_strong, hint.answers) == ("outlier", False, ())
    assert "one row holds 100% of all squared deviation (row 4 of" in hint.sentence
    assert "1000000000" not in hint.sentence and "1e+09" not in hint.sentence


def test_two_such_values_are_named_and_a_merely_skewed_target_is_not():
    table = quantity()
    table.loc[[7, 400], "left"] = 1e8
    (hint,) = hints_of(table)
    assert "2 rows hold" in hint.sentence and "rows 8, 401 of" in hint.sentence
    assert hints_of(quantity()) == ()


@pytest.mark.parametrize("found", [-999, 99999, -99])
def test_a_number_that_stands_for_a_missing_one_is_counted(found):
    table = honest()
    table.loc[::10, "age"] = found
    (hint,) = hints_of(table)
    assert hint.kind == "sentinel" and not hint.is_strong
    assert f"'age' is {found} in 60 of 600 rows" in hint.sentence


def test_minus_one_is_a_sentinel_only_where_nothing_else_is_negative():
    table = honest()
    table.loc[::10, "age"] = -1
    assert [hint.columns for hint in hints_of(table)] == [("age",)]
    assert hints_of(honest().assign(balance=np.random.default_rng(0).integers(-1, 3, 600))) == ()


def test_a_rare_or_an_ordinary_number_is_none():
    table = honest()
    table.loc[5, "age"] = -999
    assert hints_of(table) == ()
    assert hints_of(honest().assign(age=np.arange(600) % 100)) == ()


def test_no_value_of_a_sensitive_column_is_shown():
    table = honest()
    table.loc[::10, "age"] = 99999
    (hint,) = hints_of(table, sensitive=("age",))
    assert "'age' is one number in 60 of 600 rows" in hint.sentence and "99999" not in hint.advice

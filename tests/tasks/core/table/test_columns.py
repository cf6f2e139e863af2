import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.columns import (
    Column,
    aligned,
    as_dates,
    as_strings,
    canonical,
    raw_type_of,
    restored,
    restored_constant,
)


@pytest.mark.parametrize(
    ("values", "raw_type"),
    [
        ([1, 2, 3], "integer"),
        ([1.0, None, 3.0], "integer"),
        ([1.0, 2.5], "float"),
        ([None, np.nan], "float"),
        ([True, False], "boolean"),
        (pd.Series([True, None], dtype=object), "boolean"),
        (["a", None], "string"),
        (["1", "2"], "string"),
        (pd.to_datetime(["2026-01-31", None]), "datetime"),
    ],
)
def test_the_type_of_a_column_is_how_the_file_stores_it(values, raw_type):
    assert raw_type_of(pd.Series(values)) == raw_type


def test_one_code_is_one_text_whatever_type_it_came_in():
    whole = [pd.Series([3, 4]), pd.Series([3.0, 4.0]), pd.Series([3, 4.0], dtype=object)]
    assert [as_strings(values, "integer").tolist() for values in whole] == [["3", "4"]] * 3
    flags = [pd.Series([True, False]), pd.Series(["true", "FALSE"]), pd.Series([1, 0])]
    assert [as_strings(values, "boolean").tolist() for values in flags] == [["True", "False"]] * 3


def test_missing_and_unknown_cells_are_none_and_rows_keep_their_index():
    text = as_strings(pd.Series(["yes", None, "perhaps"], index=[7, 3, 5]), "boolean")
    assert text.tolist() == ["True", None, None] and text.index.tolist() == [7, 3, 5]
    assert as_strings(pd.Series(["a", None]), "string").tolist() == ["a", None]


def test_dates_are_seconds_since_1970_in_utc_and_other_text_is_missing():
    dates = as_dates(pd.Series(["1970-01-02", "1969-12-31T23:59:59", "soon", None]))
    assert dates[:2].tolist() == [86_400.0, -1.0] and dates[2:].isna().all()
    assert as_dates(pd.Series(["1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"])).tolist() == [0.0, 0.0]


def test_text_among_numbers_names_the_column_but_no_cell():
    with pytest.raises(BadInput, match="'age'") as caught:
        canonical(pd.Series([1, "zoroastrian"], dtype=object), Column("age", "numeric", "integer"))
    assert "zoroastrian" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "raw"),
    [
        (Column("n", "numeric", "integer"), pd.Series([1, None, 3], dtype="Int64")),
        (Column("x", "numeric", "float"), pd.Series([0.5, np.nan])),
        (Column("day", "datetime", "string"), pd.Series(["2026-01-31T10:00:00", None], dtype=object)),
        (Column("day", "datetime", "datetime"), pd.to_datetime(pd.Series(["2026-01-31", None]))),
        (Column("code", "categorical", "integer"), pd.Series([3, 4], dtype="Int64")),
        (Column("rate", "categorical", "float"), pd.Series([0.5, 1.5])),
        (Column("flag", "categorical", "boolean"), pd.Series([True, None], dtype="boolean")),
        (Column("town", "categorical", "string"), pd.Series(["Oulu", None], dtype=object)),
    ],
)
def test_cells_come_back_in_the_type_of_the_file(column, raw):
    back = restored(canonical(raw, column), column)
    pd.testing.assert_series_equal(back, raw, check_names=False, check_dtype=column.raw_type != "datetime")


def test_a_constant_comes_back_in_the_type_of_the_file():
    code = restored_constant(pd.Series(["3", "3"], dtype=object), Column("c", "constant", "integer"))
    assert code.tolist() == [3, 3] and code.dtype == "Int64"
    day = restored_constant(pd.Series(["2026-01-31"]), Column("d", "constant", "datetime"))
    assert day.tolist() == [pd.Timestamp("2026-01-31")]


def test_synthetic_numbers_are_clipped_rounded_and_filled_where_the_real_ones_have_no_gaps():
    drawn = pd.Series([-5.0, 2.4, np.inf, np.nan])
    column = Column("n", "numeric", "integer")
    assert aligned(drawn, pd.Series([0.0, 1.0, 9.0]), column).tolist() == [0.0, 2.0, 1.0, 1.0]
    gaps = aligned(drawn, pd.Series([0.0, np.nan, 9.0]), column)
    assert gaps.isna().tolist() == [False, False, True, True]


def test_a_target_that_was_not_drawn_is_never_filled_in():
    filled = aligned(
        pd.Series([np.nan, 2.0]), pd.Series([1.0, 3.0]), Column("y", "numeric", "float", "target")
    )
    assert np.isnan(filled[0]) and filled[1] == 2.0


def test_only_levels_of_the_real_rows_remain():
    column = Column("town", "categorical", "string", levels=("Lund", "Oulu"))
    drawn = pd.Series(["Oulu", "Lund", "Atlantis", None], dtype=object)
    assert aligned(drawn, pd.Series(["Oulu", None]), column).tolist() == ["Oulu", None, None, None]


def test_what_cannot_be_modelled_is_no_feature_in_any_role():
    assert Column("note", "text", "string").is_feature is False
    assert Column("day", "datetime", "string", "time").is_feature is True
    assert Column("id", "numeric", "integer", "key").is_feature is False

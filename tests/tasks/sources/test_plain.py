"""Column types of any reader become numbers, text, booleans and dates of plain pandas."""

from __future__ import annotations

import datetime
import decimal
import uuid

import numpy as np
import pandas as pd
import pyarrow
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources._plain import check_column_names, plain_arrow, plain_types


def plain(values) -> pd.Series:
    return plain_types(pd.DataFrame({"x": values}), "t.csv")["x"]


def test_two_columns_of_one_name_are_refused_and_columns_without_a_name_are_not():
    check_column_names(["a", "b", "", ""], "t.csv")
    with pytest.raises(BadInput, match=r"t\.csv.*'a' occurs 3 times"):
        check_column_names(["a", "b", "a", "a"], "t.csv")
    with pytest.raises(BadInput, match="'1'"):
        plain_types(pd.DataFrame([[1, 2]], columns=["1", 1]), "t.csv")


def test_a_table_without_rows_is_refused_by_its_name():
    with pytest.raises(BadInput, match=r"t\.csv"):
        plain_types(pd.DataFrame({"x": []}), "t.csv")


def test_rows_are_numbered_anew_and_names_are_text():
    frame = plain_types(pd.DataFrame({7: [1, 2]}, index=[5, 3]), "t.csv")
    assert frame.columns.tolist() == ["7"] and frame.index.tolist() == [0, 1]


def test_numbers_and_truth_values_stay_what_they_are():
    assert plain([1, 2]).dtype == "int64" and plain([0.5, None]).dtype == "float64"
    assert plain([True, False]).dtype == bool
    assert plain([decimal.Decimal("1.5"), None]).tolist()[0] == 1.5
    assert plain(pd.Series([1, 2.5], dtype=object)).dtype == "float64"


def test_moments_lose_their_zone_and_mean_utc():
    berlin = pd.Series(pd.to_datetime(["2026-01-01 01:00", None])).dt.tz_localize("Europe/Berlin")
    assert plain(berlin)[0] == pd.Timestamp("2026-01-01 00:00") and plain(berlin).dt.tz is None
    days = plain([datetime.date(2026, 1, 31), None])
    assert days[0] == pd.Timestamp("2026-01-31") and pd.isna(days[1])


def test_a_date_that_pandas_cannot_hold_is_text():
    assert plain([datetime.date(9999, 12, 31), None]).tolist() == ["9999-12-31", None]


def test_spans_of_time_are_seconds():
    assert plain(pd.to_timedelta(["1 min", None]))[0] == 60.0


def test_categories_are_their_values():
    assert plain(pd.Categorical(["a", "b", "a"])).tolist() == ["a", "b", "a"]
    assert plain(pd.Categorical([3, 1])).dtype == "int64"
    assert plain(pd.Categorical([3, None])).isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2], "[1, 2]"),
        (b"bytes", "bytes"),
        (uuid.UUID(int=7), str(uuid.UUID(int=7))),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_anything_else_is_its_text_and_missing_stays_missing(value, text):
    assert plain(pd.Series([value, None], dtype=object)).tolist() == [text, None]


def test_text_stays_text_also_where_it_reads_like_numbers():
    assert plain(["1", "2"]).tolist() == ["1", "2"]
    assert np.all(plain(pd.Series([None, None], dtype=object)).isna())


def from_arrow(values, kind) -> pd.Series:
    table = pyarrow.table({"x": pyarrow.array(values, kind)})
    return plain_types(plain_arrow(table), "t.parquet")["x"]


def test_whole_numbers_beyond_2_53_are_exact_text_with_and_without_missing_cells():
    big = 2**53 + 1
    for values in ([big, 7], [big, None]):
        assert from_arrow(values, pyarrow.int64())[0] == str(big)
    assert from_arrow([2**64 - 1], pyarrow.uint64())[0] == str(2**64 - 1)
    assert from_arrow([1, None], pyarrow.int64()).dtype == float
    assert plain(pd.Series([big, None], dtype=object))[0] == str(big)


def test_arrow_types_are_read_by_what_they_mean():
    day = datetime.datetime(9999, 12, 31)
    assert str(from_arrow([day], pyarrow.timestamp("us"))[0]) == "9999-12-31 00:00:00"
    zoned = pyarrow.timestamp("s", tz="Nowhere/Land")
    assert str(from_arrow([0], zoned)[0]) == "1970-01-01 00:00:00"
    assert from_arrow([datetime.time(14, 35)], pyarrow.time64("us"))[0] == 52500
    assert from_arrow(np.array([0.5], np.float16), pyarrow.float16())[0] == 0.5
    assert from_arrow(["a", None], pyarrow.dictionary(pyarrow.int8(), pyarrow.string())).tolist()[0] == "a"


def test_periods_and_intervals_do_not_depend_on_what_pandas_imported_before():
    frame = pd.DataFrame(
        {"month": pd.period_range("2024-01", periods=3, freq="M"), "band": pd.interval_range(0, 3)}
    )
    table = pyarrow.Table.from_pandas(frame)
    got = plain_types(plain_arrow(table), "t.parquet")
    assert got["month"].tolist()[1] == pd.Timestamp("2024-02-01") and got["band"].tolist() == [
        "(0, 1]",
        "(1, 2]",
        "(2, 3]",
    ]
    fields = [
        pyarrow.field(
            "month",
            pyarrow.int64(),
            metadata={"ARROW:extension:name": "pandas.period", "ARROW:extension:metadata": '{"freq": "M"}'},
        )
    ]
    bare = pyarrow.table([pyarrow.array([648, 649, 650])], schema=pyarrow.schema(fields))
    assert plain_arrow(bare)["month"].tolist() == got["month"].tolist()


def test_a_moment_without_a_zone_does_not_take_the_zone_of_the_one_before_it():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moments = [datetime.datetime(2024, 1, 5, 10, tzinfo=zone), datetime.datetime(2024, 1, 5, 10)]
    assert [str(moment) for moment in plain(pd.Series(moments, dtype=object))] == [
        "2024-01-05 08:00:00",
        "2024-01-05 10:00:00",
    ]

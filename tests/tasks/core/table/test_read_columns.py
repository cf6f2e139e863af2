"""Text of a table becomes numbers, dates, truth values and levels, by all cells of a column together."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns

CARD = DataCard(target="y")


def read(cells, card=None, **others):
    frame, report = read_columns(pd.DataFrame({"x": cells, **others}), card)
    report.check()
    return frame["x"], report["x"]


def spread(cells, n=200):
    """Repeat cells to a column of about n rows of distinct numbers around them."""
    return [*cells, *(f"{i}.25" for i in range(n))]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["2,962", "1,629", "827"], [2962, 1629, 827]),
        (["445,887", "52,595"], [445887, 52595]),
        (["2.962,17", "826,61"], [2962.17, 826.61]),
        (["2,962.17", "826.61"], [2962.17, 826.61]),
        (["2'962.5", "1’000"], [2962.5, 1000]),
        (["2 962,5", "1\u202f000", "1\u00a0000"], [2962.5, 1000, 1000]),
        (["$2,962.17", "-$5", "($7.50)"], [2962.17, -5, -7.5]),
        (["483.801 €", "1,50 €"], [483801, 1.5]),
        (["(0.680)", "1.336"], [-0.68, 1.336]),
        (["2962.2 kg", "1.5 kg"], [2962.2, 1.5]),
        (["12.5%", "3 %"], [12.5, 3]),
        (["2.96k", "1.2M", "950"], [2960, 1200000, 950]),
        (["\u22125", "7-", "+3"], [-5, -7, 3]),
        (["12,34,567", "1,00,000"], [1234567, 100000]),
        (["1.5e3", "2E-2", "7"], [1500, 0.02, 7]),
        (["14:35", "00:00", "2:05 PM"], [52500, 0, 50700]),
    ],
)
def test_numbers_are_read_as_they_are_written(cells, numbers):
    assert read(cells)[0].tolist() == numbers


def test_a_comma_before_three_digits_is_what_the_rest_of_the_file_says():
    assert read(["1,234", "5,678"])[0].tolist() == [1234, 5678]
    assert read(["1,234", "5,678"], other=["0,5", "1,25"])[0].tolist() == [1.234, 5.678]


@pytest.mark.parametrize(
    "marker", ["-", "--", ".", ":", "*", "\\N", "unknown", "Missing", "#DIV/0!", "N.A.", "NA", "null", "?"]
)
def test_a_marker_among_numbers_is_missing_and_said(marker):
    values, reading = read(spread([marker, "1.5", marker]))
    assert values.dtype == float and values.isna().sum() == 2
    assert reading.markers == {marker: 2} and "2 of 203 cells" in reading.sentence()


def test_one_typing_error_is_missing_and_its_line_is_said_without_the_cell():
    values, reading = read([*spread([], 3000), "12o5"])
    assert values.isna().sum() == 1 and reading.n_unreadable == 1 and reading.first_line == 3001
    assert "line 3,001" in reading.sentence() and "12o5" not in reading.sentence()


def test_a_number_column_with_too_many_other_words_is_refused_without_cells():
    cells = [*spread([], 100), *["refused-by-person"] * 40]
    with pytest.raises(BadInput, match=r"40 of 140 cells of 'x' are no numbers.*line 101") as caught:
        read(cells)
    assert "refused-by" not in str(caught.value)
    card = DataCard(target="y", reading={"x": {"missing": ["refused-by-person"]}})
    assert read(cells, card)[0].isna().sum() == 40


@pytest.mark.parametrize(
    "codes",
    [
        ["02139", "10001", "08540"],
        ["01", "02", "12"],
        ["0123", "00123"],
        ["1E5", "2E3", "7E1"],
        ["9007199254740993", "9007199254740995", None],
        ["A12", "V45", "250"],
        ["555-1234", "1.2.3", "10-20"],
        ["B", "2", "1"],
        ["12A", "13B", "7F"],
    ],
)
def test_codes_stay_text_exactly(codes):
    assert read(codes)[0].dropna().tolist() == [code for code in codes if code]


@pytest.mark.parametrize("levels", [["NA", "DE", "FR"], ["None", "a"], ["null", "nan"], ["-", "a", "."]])
def test_words_for_missing_are_levels_among_texts_and_blank_is_not(levels):
    values, _ = read([*levels, "", "  ", None])
    assert values.tolist()[:-3] == levels and values.isna().sum() == 3


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        (["23/02/2025", "05/01/2024"], ["2025-02-23", "2024-01-05"]),
        (["02/23/2025", "01/05/2024"], ["2025-02-23", "2024-01-05"]),
        (["23.02.2025", "5.1.2024"], ["2025-02-23", "2024-01-05"]),
        (["2025/02/23", "2024/01/05"], ["2025-02-23", "2024-01-05"]),
        (["23-Feb-25", "05-Jan-24"], ["2025-02-23", "2024-01-05"]),
        (["February 23, 2025", "January 5, 2024"], ["2025-02-23", "2024-01-05"]),
        (["20250223", "20240105"], ["2025-02-23", "2024-01-05"]),
        (["23/02/2025 14:30", "05/01/2024 00:00"], ["2025-02-23T14:30:00", "2024-01-05T00:00:00"]),
        (["2/23/25 2:30 PM", "1/5/24 12:00 AM"], ["2025-02-23T14:30:00", "2024-01-05T00:00:00"]),
        (["2025-02", "2024-01"], ["2025-02-01", "2024-01-01"]),
        (["Feb 2025", "Jan 2024"], ["2025-02-01", "2024-01-01"]),
        (["2025-02-23", "0000-00-00", "unknown"], ["2025-02-23", None, None]),
    ],
)
def test_dates_are_read_by_the_evidence_of_their_column(written, iso):
    values, _ = read(written)
    assert values.where(values.notna(), None).tolist() == iso


def test_dates_that_no_cell_decides_are_refused_with_both_readings_until_the_card_says_it():
    cells = ["01/02/2024", "03/04/2024"] * 9
    with pytest.raises(BadInput, match="day/month/year and as month/day/year"):
        read(cells)
    card = DataCard(target="y", reading={"x": {"order": "mdy"}})
    assert read(cells, card)[0].tolist()[:2] == ["2024-01-02", "2024-03-04"]


def test_two_orders_of_day_and_month_in_one_column_are_refused():
    with pytest.raises(BadInput, match=r"mixes dates as day/month/year \(10 cells.*month/day/year \(30\)"):
        read(["31/01/2024"] * 10 + ["01/31/2024"] * 30)


def test_dates_that_change_their_form_late_are_read_by_the_whole_column():
    values, _ = read(["2024-01-05"] * 200 + ["06.02.2024", "28.02.2024"] * 50)
    assert values.notna().all() and set(values) == {"2024-01-05", "2024-02-06", "2024-02-28"}


def test_a_declared_date_that_is_none_is_refused_never_missing_without_a_word():
    card = DataCard(target="y", columns={"x": "datetime"})
    with pytest.raises(BadInput, match="'x'"):
        read(["soon", "later"] * 40, card)
    with pytest.raises(BadInput, match=r"20 of 100 cells of 'x' are no dates"):
        read(["23/02/2025"] * 80 + ["soon"] * 20, card)


def test_two_units_in_one_column_are_refused_by_name():
    cells = [f"{i} kg" for i in range(50)] + [f"{i} lb" for i in range(50)]
    with pytest.raises(BadInput, match="'x' mixes the units kg, lb"):
        read(cells)


def test_spellings_of_one_label_are_merged_for_a_feature_unless_the_card_forbids_it():
    cells = ["Male"] * 5 + ["male ", "MALE", "other", "other"]
    values, reading = read(cells, CARD)
    assert set(values) == {"Male", "other"} and reading.n_folded == 2
    card = DataCard(target="y", reading={"x": {"fold": False}})
    assert read(cells, card)[0].nunique() == 4
    assert read(cells, DataCard(target="x"))[0].nunique() == 4


def test_truth_values_and_whole_numbers_have_the_types_of_pandas():
    assert read(["True", "false", "TRUE"])[0].tolist() == [True, False, True]
    assert read(["1", "2"])[0].dtype == np.int64 and read(["1", ""])[0].dtype == float
    assert read(["1.0", "2"])[0].dtype == float


def test_typed_columns_stay_as_they_are():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": pd.to_datetime(["2024-01-01", None])})
    assert read_columns(frame)[0].equals(frame)


def test_the_report_counts_the_markers_of_a_sensitive_column_and_does_not_show_them():
    _, report = read_columns(pd.DataFrame({"income": spread(["n.d.", "n.d."])}))
    assert report.to_dict()["columns"]["income"]["markers"] == {"n.d.": 2}
    hidden = report.to_dict(["income"])["columns"]["income"]
    assert hidden["markers"] == 2 and "n.d." not in str(hidden)


GROUPS = {".": [",", "'", " ", "\u00a0", "\u202f", ""], ",": [".", "'", " ", "\u00a0", "\u202f", ""]}
AFFIXES = [("", ""), ("$", ""), ("", " €"), ("", "%"), ("", " kg"), ("CHF ", "")]
MISSING = ["", "NA", "-", "unknown", "\\N"]


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.integers(-(10**9), 10**9), min_size=30, max_size=60, unique=True),
    decimal=st.sampled_from(".,"),
    which=st.integers(0, 5),
    affix=st.sampled_from(AFFIXES),
    missing=st.sampled_from(MISSING),
)
def test_numbers_written_in_any_format_are_read_as_the_same_values(values, decimal, which, affix, missing):
    numbers = [value / 100 for value in values]

    def written(number):
        text = (
            f"{abs(number):,.2f}".replace(".", "\0")
            .replace(",", GROUPS[decimal][which])
            .replace("\0", decimal)
        )
        return f"{'-' * (number < 0)}{affix[0]}{text}{affix[1]}"

    got, _ = read([*map(written, numbers), missing])
    assert got.tolist()[:-1] == numbers and np.isnan(got.iloc[-1])


DATE_FORMATS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%y", "%d %B %Y", "%B %d, %Y",
    "%b %d %Y", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M", "%m/%d/%y %I:%M %p", "%a, %d %b %Y %H:%M:%S",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    moments=st.lists(
        st.datetimes(pd.Timestamp(1970, 1, 1), pd.Timestamp(2068, 12, 31)),
        min_size=10,
        max_size=40,
        unique=True,
    ),
    form=st.sampled_from(DATE_FORMATS),
    missing=st.sampled_from(["", "unknown", "0000-00-00"]),
)
def test_dates_written_in_any_format_are_read_as_the_same_days(moments, form, missing):
    # A day that is no month decides the order.
    moments = [
        moment.replace(second=0, microsecond=0)
        for moment in [*moments, pd.Timestamp(2024, 1, 31).to_pydatetime()]
    ]
    got, _ = read([*(moment.strftime(form) for moment in moments), missing])
    whole = pd.to_datetime(got.dropna(), format="ISO8601")
    expected = [
        moment if "H" in form or "I" in form else moment.replace(hour=0, minute=0) for moment in moments
    ]
    assert whole.tolist() == [pd.Timestamp(moment) for moment in expected] and pd.isna(got.iloc[-1])


def test_how_a_table_was_read_is_plain_values_for_json():
    frame = pd.DataFrame(
        {
            "job": ["nurse", "smith"] * 30,
            "size": ["1,200", "80"] * 30,
            "on": ["31/01/2024", "01/02/2024"] * 30,
        }
    )
    _, report = read_columns(frame, DataCard(target="on"))
    assert json.loads(json.dumps(report.to_dict(()))) and json.loads(json.dumps(report.forms))

"""Dates in any common format are read as the days that people meant, or refused with both readings."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from tests.tasks.core.table.columns_of_text import read


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

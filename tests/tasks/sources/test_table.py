"""Values written into a file in any common format are read back as the same values."""

from __future__ import annotations

import csv
import io

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.sources._table import read_table

BLANKS = ["'", " ", "\u00a0", "\u202f", ""]
NUMBER_FORMATS = [(".", mark) for mark in [",", *BLANKS]] + [(",", mark) for mark in [".", *BLANKS]]
AFFIXES = [("", ""), ("$", ""), ("", " €"), ("", "%"), ("", " kg"), ("CHF ", "")]
DATE_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%b-%y", "%B %d, %Y", "%Y%m%d", "%Y/%m/%d"]


def written_number(number: float, decimal: str, mark: str, affix: tuple[str, str]) -> str:
    text = f"{abs(number):,.2f}".replace(".", "\0").replace(",", mark).replace("\0", decimal)
    return f"{'-' * (number < 0)}{affix[0]}{text}{affix[1]}"


@settings(max_examples=200, deadline=None)
@given(
    cents=st.lists(st.integers(-(10**8), 10**8), min_size=24, max_size=28, unique=True),
    day=st.dates(pd.Timestamp(1990, 1, 1).date(), pd.Timestamp(2040, 1, 1).date()),
    number=st.sampled_from(NUMBER_FORMATS),
    affix=st.sampled_from(AFFIXES),
    date=st.sampled_from(DATE_FORMATS),
    marker=st.sampled_from(["", "NA", "-", "unknown", "\\N", "#DIV/0!"]),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_file_in_any_format_gives_the_values_that_were_written(
    cents, day, number, affix, date, marker, delimiter, quoting, line_end
):
    n = len(cents)
    numbers = [cent / 100 for cent in cents]
    # A day that is no month decides the order.
    days = [pd.Timestamp(day) + pd.Timedelta(17 * i, "D") for i in range(n - 1)] + [pd.Timestamp(2024, 1, 31)]
    codes, levels = [f"0{i % 7}" for i in range(n)], [("red", "NA", "blue")[i % 3] for i in range(n)]
    prices = [written_number(each, *number, affix) for each in numbers]
    columns = {"price": [*prices, marker], "day": [*(each.strftime(date) for each in days), marker]}
    columns |= {"code": [*codes, codes[0]], "level": [*levels, levels[0]]}
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerows([list(columns), *zip(*columns.values(), strict=True)])

    frame, _ = read_table(text.getvalue().encode(), "t.csv")
    assert frame["price"].tolist()[:-1] == numbers
    assert pd.to_datetime(frame["day"].iloc[:-1], format="ISO8601").tolist() == days
    assert frame[["price", "day"]].iloc[-1].isna().all()
    assert frame["code"].tolist() == columns["code"] and frame["level"].tolist() == columns["level"]

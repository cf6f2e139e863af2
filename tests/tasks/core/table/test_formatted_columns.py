"""The fast way reads formatted columns as the careful one does, bit for bit, and leaves the others to it."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.table.card_parts import Reading
from realmix.tasks.core.table.column_cells import distinct_cells
from realmix.tasks.core.table.column_reader import read_column
from realmix.tasks.core.table.column_text import ColumnText
from realmix.tasks.core.table.formatted_columns import read_formatted

UNITS = (
    [("", unit) for unit in ("", "%", " %", " €", "\u00a0€", "€", " kg", "CHF", " Rs.", " k", "M", "e", " m2", "-")]
    + [(unit, "") for unit in ("$", "US$", "€ ", "EUR ", "USD", "A", "-", "(", "+")]
    + [("€", "€")]
)  # fmt: skip
MOMENTS = ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y 00:00", "%Y-%m-%d %H:%M")
OTHERS = (None, "", "  ", "NA", "NA ", "n/a", "-", "?", "unknown")
ODD = (
    "1.5",
    "1,234",
    "1.234",
    "refused",
    "12.5 €",
    "7%",
    "0,5",
    "31/12/2023",
    "29/02/2023 10:00",
    "1/2/2023 25:00",
)


def both(cells, declared=None, kind=None, mark=None):
    """Read a column the fast way and the careful way."""
    declared, column = declared or Reading(), pa.chunked_array([pa.array(cells, pa.string())])
    lines = np.arange(len(cells)) + 2
    careful = ColumnText(distinct_cells("x", column, lines), declared, kind, None, lambda: mark)
    return read_formatted("x", column, declared, kind, lambda: mark), read_column(careful)


def assert_equal(fast, careful):
    assert fast[1] == careful[1] and list(fast[1].markers) == list(careful[1].markers)
    assert fast[0].dtype == careful[0].dtype
    if fast[0].dtype == object:
        assert list(map(repr, fast[0])) == list(map(repr, careful[0]))
    else:
        assert fast[0].tobytes() == careful[0].tobytes()


@st.composite
def number_columns(draw):
    (before, after), (decimal, group) = draw(st.sampled_from(UNITS)), draw(st.sampled_from([".,", ",."]))
    n_places, is_grouped = draw(st.integers(0, 4)), draw(st.booleans())

    def written(number):
        text = f"{abs(number):,.{n_places}f}" if is_grouped else f"{abs(number):.{n_places}f}"
        sign = "-" * (number < 0)
        return f"{sign}{before}{text.translate({44: group, 46: decimal})}{after}"

    size = draw(st.sampled_from([10.0, 1e4, 1e12]))
    numbers = draw(st.lists(st.floats(-size, size), min_size=1, max_size=12))
    return [written(number) for number in numbers]


@st.composite
def moment_columns(draw):
    shape = draw(st.sampled_from(MOMENTS))
    first = datetime.datetime(1000, 1, 1)
    return [each.strftime(shape) for each in draw(st.lists(st.datetimes(first), min_size=1, max_size=12))]


@st.composite
def columns(draw):
    cells = draw(number_columns() | moment_columns())
    others = draw(st.lists(st.sampled_from(OTHERS), max_size=4))
    odd = draw(st.lists(st.sampled_from(ODD), max_size=1)) if draw(st.integers(0, 3)) == 0 else []
    return draw(st.permutations([*cells, *others, *odd]))


declarations = st.sampled_from(
    [Reading()] * 5
    + [
        Reading(type="number"),
        Reading(type="number", decimal=",", unit="€"),
        Reading(decimal="."),
        Reading(unit="%"),
        Reading(type="date", order="dmy"),
        Reading(order="mdy"),
        Reading(type="text"),
        Reading(missing=("NA",)),
    ]
)
kinds = st.sampled_from([None, None, None, "numeric", "datetime", "categorical", "text"])


@settings(max_examples=400, deadline=None)
@given(columns(), declarations, kinds, st.sampled_from([None, ","]))
def test_what_the_fast_way_reads_equals_what_the_careful_one_does(cells, declared, kind, mark):
    fast, careful = both(cells, declared, kind, mark)
    if fast is not None:
        assert_equal(fast, careful)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1.228,02 €", "3,5 €", "-12 €", "n/a", None], "decimal numbers with a decimal comma in €"),
        (["95,8%", "0,1%", "100,0%", "NA", "NA "], "decimal numbers with a decimal comma in %"),
        (["$1,234.50", "-$0.00", "$7"], "decimal numbers in $"),
        (["12 kg", "1,200 kg", "7 kg"], "integers in kg"),
        (["31/12/2023 10:20", "01/02/2023 00:00", "-"], "dates, day before month"),
        (["12/31/2023 00:00:00", "02/03/1023 00:00:00"], "dates, month before day"),
    ],
)
def test_common_forms_are_read_at_once(cells, found):
    fast, careful = both(cells)
    assert fast is not None and fast[1].found == found
    assert_equal(fast, careful)


@pytest.mark.parametrize(
    "cells",
    [
        ["1,5 €", "2,5 €", "3,5 $"],
        ["1,5 €", "2,5 €", "3,5"],
        ["1,5 €", "2,5 €", "3,5 €", "refused"],
        ["1.22,5 €", "2,5 €", "3,5 €"],
        ["1,5 k", "2,5 k", "3,5 k"],
        ["1,5 €", "2,5 €", "unknown"],
        ["01", "02", "13"],
        ["1.5", "2.5", "3.5"],
        ["01/02/2023 10:00", "03/02/2023 11:00"],
        ["31/12/2023 10:00", "30/02/2023 11:00"],
        ["31/12/2023 10:00", "30/01/2023 25:00"],
        ["no", "yes"],
        ["NA", None],
        [],
    ],
)
def test_everything_else_is_left_to_the_careful_way(cells):
    assert both(cells)[0] is None


def test_the_other_columns_decide_a_mark_that_the_cells_leave_open():
    cells = ["1,234 €", "2,345 €", "3,456 €"]
    assert both(cells)[0][0].tolist() == [1234, 2345, 3456]
    assert both(cells, mark=",")[0][0].tolist() == [1.234, 2.345, 3.456]

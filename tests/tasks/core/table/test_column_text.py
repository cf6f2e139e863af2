"""How much of a column may be unreadable before it is not of its type any more."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from realmix.tasks.core.table.card_parts import Reading
from realmix.tasks.core.table.column_cells import distinct_cells
from realmix.tasks.core.table.column_text import MAX_CODES, ColumnText


def column(cells, kind=None, **declared):
    found = distinct_cells("x", pa.chunked_array([pa.array(cells, pa.string())]), np.arange(len(cells)))
    return ColumnText(found, Reading(**declared), kind, None, lambda: None)


def is_word(text_column):
    return np.array([text.isalpha() for text in text_column.cells.texts])


@pytest.mark.parametrize(("n_bad", "is_few"), [(10, True), (11, False)])
def test_one_cell_in_ten_may_be_unreadable(n_bad, is_few):
    text = column([*(str(i) for i in range(100 - n_bad)), *["oops"] * n_bad])
    assert text.is_few(is_word(text), MAX_CODES + 1) == is_few


def test_among_few_codes_only_one_in_a_hundred():
    text = column([*["1", "2"] * 49, "oops", "oops"])
    assert not text.is_few(is_word(text), 2)


def test_a_declared_type_settles_it():
    text = column(["1", *["oops"] * 9], type="number")
    assert text.is_few(is_word(text), 1)


def test_words_that_the_card_calls_missing_are_markers():
    assert column(["1", "leer"], missing=["leer"]).is_marker.tolist() == [False, True]


def test_a_column_of_labels_is_not_measured_unless_the_card_says_so():
    assert not column(["red", "blue", "7"]).begins_measured()
    assert column(["red", "blue", "7"], kind="numeric").begins_measured()
    assert not column(["1", "2"], kind="text").begins_measured()


def test_a_marker_with_and_without_blanks_behind_it_is_counted_once():
    text = column(["1,5", "NA", "NA ", "NA"])
    reading = text.reading("numbers", ~text.is_marker, text.is_marker, {})
    assert (reading.markers, reading.n_read + reading.n_blank) == ({"NA": 3}, 1)

"""Distinct texts of a column, judged at once as each would be judged alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.table.column_cells import distinct_cells
from realmix.tasks.core.table.markers import SIGNS, is_marker


def column(*cells):
    return distinct_cells("x", pa.chunked_array([pa.array(cells, pa.string())]), np.arange(1, len(cells) + 1))


@given(
    st.lists(
        st.none() | st.text(" \tab-?\u00a0", max_size=3) | st.sampled_from(["NA", "Unknown", "\\N"]),
        min_size=1,
    )
)
def test_rows_keep_their_texts_and_blank_cells_have_none(cells):
    found = column(*cells)
    texts = found.spread(np.array(found.texts, dtype=object), None).tolist()
    assert texts == [cell.strip() or None if cell else None for cell in cells]
    assert found.is_marker.tolist() == [is_marker(text) for text in found.texts]
    assert found.is_sign.tolist() == [text in SIGNS for text in found.texts]


@pytest.mark.parametrize(
    "text", ["5", "-5", "(5)", "$ 5", "€5", "kr 7", ".5", "\u22125", "5 Jan", "January 5", "Jan-05", "TRUE"]
)
def test_numbers_dates_and_truth_values_begin_as_such(text):
    assert column(text).begins.all()


@pytest.mark.parametrize("text", ["red", "a b", "x5", "falsehood", "no"])
def test_labels_do_not(text):
    assert not column(text).begins.any()


def test_lines_and_counts_are_those_of_the_rows():
    found = column(None, "a ", "b", "a")
    assert found.counted(np.array([t == "a" for t in found.texts])) == {"a": 2}
    assert found.first_line(np.array([t == "b" for t in found.texts])) == 3

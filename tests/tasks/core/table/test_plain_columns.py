"""The fast way reads plain numbers as the careful one does, and leaves everything else to it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from realmix.tasks.core.table.plain_columns import read_plain_numbers


def read(*cells):
    return read_plain_numbers("x", pa.chunked_array([pa.array(cells, pa.string())]))


def test_whole_and_other_numbers_have_their_types():
    assert read("1", " 2 ", "-3")[0].dtype == np.int64
    assert read("1", None)[0].dtype == float and read("1.5", "2")[0].tolist() == [1.5, 2.0]


def test_markers_are_missing_and_counted_apart_from_blank_cells():
    values, reading = read("1", "NA", "", None, "?", "NA")
    assert np.isnan(values).tolist() == [False, True, True, True, True, True]
    assert (reading.markers, reading.n_blank, reading.n_read) == ({"NA": 2, "?": 1}, 2, 1)


@pytest.mark.parametrize(
    "cells",
    [
        ["01", "2"],
        ["1E5", "2E3"],
        ["9007199254740993", "1"],
        ["20240105", "20240203"],
        ["1", "0x1F"],
        ["1,5", "2,5"],
        ["$5", "6"],
        ["1", "a"],
        ["a", "1"],
        ["", None],
        [],
    ],
)
def test_what_asks_for_a_closer_look_is_left_to_it(cells):
    assert read(*cells) is None

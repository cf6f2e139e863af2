"""Every column weighs alike in the space of rows, however its numbers are spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.common_space import MAX_LEVELS, place_rows
from realmix.tasks.core.table.infer_schema import infer_schema

ROWS = pd.DataFrame({"x": [1.0, 2.0, 3.0, 1000.0], "y": ["a", "b", "a", None]})
SCHEMA = infer_schema(ROWS.assign(y=["a", "b", "a", "b"]), "y")


@pytest.mark.parametrize("numbers", ["ranks", "deviations"])
def test_two_levels_are_one_apart_and_so_is_a_missing_one(numbers):
    placed = place_rows(ROWS, ROWS, SCHEMA.modelled[-1:], numbers=numbers)
    distance = np.linalg.norm(placed[:, None] - placed[None], axis=2)
    assert distance[0, [1, 2, 3]] == pytest.approx([1, 0, 1])
    assert distance[:4, :4] == pytest.approx(distance[4:, 4:])


def test_ranks_are_even_and_deviations_keep_distances():
    by_rank = place_rows(ROWS, ROWS, SCHEMA.features)[:4, 0]
    assert np.diff(by_rank) == pytest.approx(by_rank[1] - by_rank[0])
    by_deviation = place_rows(ROWS, ROWS, SCHEMA.features, numbers="deviations")[:4, 0]
    assert by_deviation.std() == pytest.approx(1)
    assert by_deviation[3] - by_deviation[2] == pytest.approx(997 * (by_deviation[1] - by_deviation[0]))


@pytest.mark.parametrize("numbers", ["ranks", "deviations"])
def test_a_missing_number_is_in_the_middle_and_one_apart(numbers):
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0, np.nan]})
    placed = place_rows(rows, rows, SCHEMA.features, numbers=numbers)
    assert placed[3] == pytest.approx([placed[1, 0], 1])


@pytest.mark.parametrize("numbers", ["ranks", "deviations"])
def test_a_column_without_any_value_places_all_rows_alike(numbers):
    rows = pd.DataFrame({"x": [np.nan, np.nan]})
    placed = place_rows(rows, rows, SCHEMA.features, numbers=numbers)
    assert np.isfinite(placed).all()
    assert (placed == placed[0]).all()


def test_rare_levels_beyond_the_most_frequent_are_not_told_apart():
    rows = pd.DataFrame({"y": [f"level {i}" for i in range(60)]})
    assert place_rows(rows, rows, SCHEMA.modelled[-1:]).shape == (120, MAX_LEVELS)

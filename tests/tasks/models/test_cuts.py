from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.models._cuts import number_in_words, order_levels, round_cut

CELLS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(CELLS, CELLS, st.booleans())
def test_a_round_cut_parts_the_same_cells_whatever_they_are(one, other, is_date):
    low, high = sorted((one, other))
    if low < high:
        cut = round_cut(low, high, is_date=is_date)
        assert low <= cut < high and np.float32(cut) == cut


@given(st.integers(-(10**6), 10**6))
def test_between_neighbouring_whole_numbers_the_cut_is_whole(low):
    assert round_cut(float(low), float(low + 1)) == low


def test_dates_are_cut_at_midnight_and_read_as_days():
    noon = np.datetime64("2021-03-04T12:00", "s").astype(float)
    cut = round_cut(float(np.float32(noon)), float(np.float32(noon + 2 * 86_400)), is_date=True)
    assert number_in_words(cut, is_date=True).startswith("2021-03-05")


def test_levels_are_ordered_by_their_mean_target_and_rare_ones_are_missing():
    spec = {"features": [{"name": "job", "levels": ["a", "b", "c"]}]}
    codes = np.repeat([0.0, 1.0, 2.0], [20, 20, 3])[:, None]
    ordered = order_levels(spec, codes, np.repeat([0.9, 0.1, 0.5], [20, 20, 3]), np.ones(43))
    assert spec["features"][0]["levels"] == ["b", "a"]
    assert ordered[0, 0] == 1 and ordered[20, 0] == 0 and np.isnan(ordered[42, 0])

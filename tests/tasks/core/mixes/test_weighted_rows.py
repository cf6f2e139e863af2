"""Resampling by weight: how often each row is drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.mixes.weighted_rows import resample_by_weight


@given(st.lists(st.floats(0.01, 20), min_size=1, max_size=60), st.integers(0, 99))
def test_each_row_is_drawn_as_often_as_it_weighs_rounded_up_or_down(weights, seed):
    weight = np.array(weights)
    counts = np.bincount(resample_by_weight(weight, None, seed=seed), minlength=len(weight))
    assert counts.sum() == len(weight)
    assert (np.abs(counts - weight / weight.mean()) < 1 + 1e-9).all()


def test_equal_weights_draw_each_row_once():
    assert resample_by_weight(np.full(50, 0.3), None, seed=1).tolist() == list(range(50))


def test_each_stratum_keeps_its_number_of_rows_whatever_it_weighs():
    strata = np.arange(60) % 3
    weight = np.select([strata == 0, strata == 1], [0.0, 9.0], np.linspace(0.1, 3, 60))
    drawn = resample_by_weight(weight, strata, seed=0)
    assert np.bincount(strata[drawn]).tolist() == [20, 20, 20]
    assert np.array_equal(drawn, resample_by_weight(weight, strata, seed=0))
    assert np.average(drawn[strata[drawn] == 2]) > 33

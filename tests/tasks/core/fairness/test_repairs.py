"""Weights that part class and group, and rare cells that are raised first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.fairness.repairs import raise_rare, reweigh


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 1000))
def test_after_reweighing_totals_stay_and_no_present_cell_is_lost(cells, seed):
    cells = np.array(cells)
    weight = np.random.default_rng(seed).uniform(0.1, 2.0, len(cells))
    weighed = reweigh(cells, 2, weight)
    assert (weighed > 0).all()
    for group in np.unique(cells // 2):
        if set(cells[cells // 2 == group] % 2) == {0, 1} == set(cells % 2):
            shares = (
                weighed[(cells // 2 == group) & (cells % 2 == 1)].sum() / weighed[cells // 2 == group].sum()
            )
            assert shares == pytest.approx(weight[cells % 2 == 1].sum() / weight.sum())


def test_reweighing_equal_groups_changes_nothing():
    np.testing.assert_allclose(reweigh(np.array([0, 1, 2, 3]), 2, np.ones(4)), 1.0)


def test_rare_cells_are_raised_until_all_are_level():
    real, pool = np.repeat([0, 1, 2], [10, 4, 1]), np.tile([0, 1, 2], 20)
    chosen = raise_rare(real, pool, 12)
    assert np.bincount(np.concatenate([real, pool[chosen]])).tolist() == [10, 9, 8]


def test_rows_without_a_cell_are_never_chosen_and_a_small_pool_is_used_up():
    chosen = raise_rare(np.array([0, 0, 1]), np.array([-1, 0, 1, -1]), 10)
    assert chosen.tolist() == [1, 2]

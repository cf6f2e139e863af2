import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.scores import draws
from realmix.tasks.core.scores.draws import draw_strata, draw_units, draw_weights, time_blocks


def drawn(units, strata=None, n_draws=50, seed=0):
    return np.concatenate(list(draw_weights(units, strata, n_draws, seed)))


@given(
    st.lists(st.integers(0, 6), min_size=8, max_size=40).filter(lambda u: len(set(u)) > 2), st.integers(0, 99)
)
def test_a_draw_is_as_large_as_the_table_in_units_and_no_unit_is_parted(units, seed):
    units = np.array(units)
    weights = drawn(units, seed=seed)
    names, first = np.unique(units, return_index=True)
    assert (weights[:, first].sum(axis=1) == len(names)).all()
    assert (weights == weights[:, first][:, np.searchsorted(names, units)]).all()


def test_every_draw_leaves_some_row_out():
    weights = drawn(np.arange(3), n_draws=500)
    assert (weights.min(axis=1) == 0).all()
    # Two of nine draws of three rows hold each of them once.
    assert len(weights) == pytest.approx(500 * 7 / 9, rel=0.1)


def test_each_stratum_keeps_its_number_of_rows():
    strata = np.repeat([7, 3], [30, 10])
    weights = drawn(np.arange(40), strata)
    assert (weights[:, :30].sum(axis=1) == 30).all() and (weights[:, 30:].sum(axis=1) == 10).all()


def test_the_seed_decides_the_draws_and_the_size_of_a_chunk_nothing_but_memory(monkeypatch):
    whole = drawn(np.arange(20))
    assert (whole == drawn(np.arange(20))).all()
    assert (whole.shape != (other := drawn(np.arange(20), seed=1)).shape) or (whole != other).any()
    monkeypatch.setattr(draws, "CHUNK_CELLS", 100)
    chunks = list(draw_weights(np.arange(20), None, 50, 0))
    assert len(chunks) == 10 and (np.concatenate(chunks) == whole).all()


def test_rows_are_drawn_alone_unless_they_have_a_group(simulate_study):
    oof = simulate_study(0, n_repeats=1)
    assert draw_units(oof).tolist() == list(range(200))
    folds = oof.folds.copy()
    folds[:, :50] = -1
    predictions = np.where(folds < 0, np.nan, oof.predictions)
    grouped = dataclasses.replace(oof, folds=folds, predictions=predictions, groups=np.arange(200) // 10)
    assert draw_units(grouped).tolist() == (np.arange(50, 200) // 10).tolist()


def test_strata_are_as_fine_as_the_groups_allow(simulate_ranking):
    oof = simulate_ranking(0, n_repeats=1)
    folds, y = oof.folds[0], oof.y
    alone = draw_strata(oof, np.arange(len(y)))
    assert len(np.unique(alone)) == len(set(zip(folds, y, strict=True))) == 10
    by_fold = draw_strata(oof, folds)
    assert (by_fold == folds).all()
    assert draw_strata(oof, np.arange(len(y)) // 50) is None, "these groups cross the folds"


def test_a_block_is_a_stretch_of_as_many_times_as_the_cube_root_of_their_number():
    moments = np.random.default_rng(0).permutation(np.repeat(np.arange(64), 3))
    blocks = time_blocks(moments, np.arange(192))
    assert all(len(np.unique(moments[blocks == block])) == 4 for block in np.unique(blocks))
    assert len(np.unique(blocks)) == 16
    assert all(len(np.unique(blocks[moments == moment])) == 1 for moment in range(64))


def test_blocks_part_no_group_and_cross_no_fold():
    moments, groups = np.arange(512), np.arange(512) // 3
    blocks = time_blocks(moments, groups)
    assert all(len(np.unique(blocks[groups == group])) == 1 for group in np.unique(groups))
    folds = np.arange(512) // 100 - 1
    nested = time_blocks(moments, moments, folds)
    assert all(len(np.unique(folds[nested == block])) == 1 for block in np.unique(nested))


def test_few_times_leave_the_groups_as_they_are():
    groups = np.arange(60) // 2
    assert time_blocks(np.arange(60) // 15, groups) is groups
    customers = np.tile(np.arange(20), 30)
    assert time_blocks(np.repeat(np.arange(30), 20), customers) is customers, "all came on the first day"


def test_blocks_widen_the_interval_of_rows_that_are_alike_in_time():
    """Losses that follow an autoregression: drawn alone they miss the true mean twice as often as said."""
    rng, n_rows, n_studies = np.random.default_rng(0), 400, 150
    losses = np.zeros((n_studies, n_rows))
    for row in range(1, n_rows):
        losses[:, row] = 0.5 * losses[:, row - 1] + rng.normal(size=n_studies)
    alone, blocks = (
        np.mean([covers(each, units, seed) for seed, each in enumerate(losses)])
        for units in (np.arange(n_rows), time_blocks(np.arange(n_rows), np.arange(n_rows)))
    )
    assert alone < 0.75 < 0.80 < blocks


def covers(losses, units, seed):
    """Whether the 90 % bootstrap interval of the mean holds its true value, 0."""
    low, high = np.quantile(drawn(units, n_draws=400, seed=seed) @ losses / len(losses), [0.05, 0.95])
    return low <= 0 <= high

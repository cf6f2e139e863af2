"""Draws repeat the race as it would have gone on their rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.mixes.arms import Exit
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from tests.tasks.core.full_grid import race

# A study without exits was not raced: this one names nobody.
RACED = {"none of these": Exit(5, "", is_beaten=False)}


def repeated(full: OutOfFold, counts: np.ndarray) -> OutOfFold:
    """A study in which each row stands as often as it was drawn, copies of a group apart."""
    rows = np.repeat(np.arange(len(full.y)), counts)
    copy = np.concatenate([np.arange(count) for count in counts])
    groups = None if full.groups is None else np.asarray(full.groups)[rows] + 10_000 * copy
    return dataclasses.replace(
        full,
        y=full.y[rows],
        folds=full.folds[:, rows],
        predictions=full.predictions[:, :, rows],
        groups=groups,
    )


@pytest.mark.parametrize("is_grouped", [False, True])
def test_a_draw_is_raced_as_a_study_of_its_rows(simulate_study, squared_error, is_grouped):
    full = simulate_study(0, noise=0.2, offsets={place: 0.004 * place for place in range(6, 20)})
    groups = np.arange(len(full.y)) // 3 if is_grouped else None
    folds = full.folds[:, 3 * (np.arange(len(full.y)) // 3)] if is_grouped else full.folds
    full = dataclasses.replace(full, groups=groups, folds=folds)
    units = np.arange(len(full.y)) if groups is None else groups
    rng = np.random.default_rng(1)
    n_units = len(np.unique(units))
    counts = np.array(
        [np.bincount(rng.integers(n_units, size=n_units), minlength=n_units) for _ in range(12)]
    )
    case = ScoredArms(dataclasses.replace(full, exits=RACED), squared_error, frozenset())
    eligible = case.survivors(counts[:, units].astype(float))
    for draw, may_win in zip(counts, eligible, strict=True):
        exits = race(repeated(full, draw[units]), squared_error).exits
        is_in = [arm.mix.role == "candidate" and arm.name not in exits for arm in full.arms]
        assert may_win.tolist() == is_in
    # Otherwise nothing was dropped, or always the same.
    assert len({tuple(row) for row in eligible}) > 1
    assert eligible.sum(axis=1).min() < 4


def test_an_arm_ahead_in_the_end_is_not_promised_where_the_race_drops_it(simulate_study, squared_error):
    full = simulate_study(0, noise=0.05, offsets={6: -0.2})
    predictions = full.predictions.copy()
    for repeat, rows in full.fold_rows[:3]:
        predictions[6, repeat, rows] *= 1.8
    late = dataclasses.replace(full, predictions=predictions, exits=RACED)
    every_row = np.ones((1, len(full.y)))
    assert not ScoredArms(late, squared_error, frozenset()).survivors(every_row)[0, 6]
    early = dataclasses.replace(full, exits=RACED)
    assert ScoredArms(early, squared_error, frozenset()).survivors(every_row)[0, 6]


def test_ties_drop_nobody(simulate_study, squared_error):
    full = simulate_study(0)
    predictions = np.repeat(full.predictions[:1], len(full.arms), axis=0)
    same = dataclasses.replace(full, predictions=predictions, exits=RACED)
    comparison = compare(same, squared_error, seed=0, n_bootstrap=20)
    assert comparison.promised_gain == 0
    assert ScoredArms(same, squared_error, frozenset()).survivors(np.ones((1, len(full.y))))[0].sum() == 4

"""A race run over a study of which every arm is known on every fold."""

from __future__ import annotations

import dataclasses

import numpy as np

from realmix.tasks.core.decision.race import heats, judge
from realmix.tasks.core.mixes.arms import Exit
from realmix.tasks.core.scores.out_of_fold import OutOfFold

N_FIRST, N_BLOCKS = 5, 15


def until(full: OutOfFold, n_blocks: int, exits=()) -> OutOfFold:
    """The arms that are still in, on the first blocks."""
    live = [place for place, arm in enumerate(full.arms) if arm.name not in exits]
    folds = np.full_like(full.folds, -1)
    for repeat, rows in full.fold_rows[:n_blocks]:
        folds[repeat, rows] = full.folds[repeat, rows]
    arms = tuple(full.arms[place] for place in live)
    return dataclasses.replace(full, arms=arms, folds=folds, predictions=full.predictions[live])


def without_what_did_not_run(full: OutOfFold, exits) -> OutOfFold:
    predictions = full.predictions.copy()
    for place, arm in enumerate(full.arms):
        if arm.name in exits:
            for repeat, rows in full.fold_rows[exits[arm.name].after_block :]:
                predictions[place, repeat, rows] = np.nan
    return dataclasses.replace(full, predictions=predictions, exits=exits)


def race(full: OutOfFold, metric) -> OutOfFold:
    """What is left of a full grid after a race over it."""
    exits: dict[str, Exit] = {}
    n_run = 0
    for heat in heats(range(N_BLOCKS), n_first=N_FIRST, raced=True):
        if n_run:
            so_far = until(full, n_run, exits)
            exits |= judge(so_far, metric, n_first=N_FIRST, n_blocks=N_BLOCKS)
        n_run += len(heat)
    return without_what_did_not_run(full, exits)

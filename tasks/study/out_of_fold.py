"""Assemble the matrix of out-of-fold predictions from the results of the folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from realmix.tasks.core.mixes.arms import Arm, Exit
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Layout, Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.splits.folds import training_rows
from realmix.tasks.fits.scope import Scope
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.development import Development


def null_models() -> frozenset[str]:
    """Return the names of the models that know no feature."""
    return frozenset(name for name, spec in MODELS.items() if spec.is_null)


def read_exits(folder: StudyFolder) -> dict[str, Exit]:
    """Read which arms left the race, and when; none where there was no race."""
    if not (folder.work / "race.json").exists():
        return {}
    return {name: Exit(**left) for name, left in folder.read_json("work/race.json").items()}


def failed_mixes(plan: Plan, pools: Iterable[PoolResult]) -> dict[str, str]:
    """Return the reason for every mix whose pool of synthetic rows failed in any fold."""
    reasons: dict[str, str] = {}
    for pool in pools:
        if pool.failure:
            for mix in plan.mixes_of(pool.synthesizer):
                reasons.setdefault(mix.name, f"{pool.failure} (in {pool.scope})")
    return reasons


def failed_arms(trained: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the reason for every arm whose model failed in any fold."""
    return {arm: reason for batch in trained for arm, reason in batch["failures"].items()}


def out_of_fold(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    competing: Mapping[str, list[Arm]],
    failed: dict[str, str],
    trained: Iterable[dict[str, Any]],
) -> OutOfFold:
    """Read the predictions of the competing arms on the blocks that were run.

    Parameters
    ----------
    competing : mapping of batch to arms
    failed : mapping of arm or mix name to reason
        These arms are left out.
    trained : iterable of dict
        Results of the batches that were run; files of an earlier, interrupted run are not read.
    """
    arms = tuple(arm for of_batch in competing.values() for arm in of_batch)
    arms = tuple(arm for arm in arms if not {arm.name, arm.mix.name} & failed.keys())
    files = [(run["scope"], run["batch"]) for run in trained if not run["skipped"]]
    folds, predictions = _matrix(folder, layout, development, arms, files)
    planned = development.folds
    n_train = [
        len(training_rows(planned, b.repeat, b.fold, forward=layout.plan.forward)) for b in layout.blocks
    ]
    return OutOfFold(
        arms=arms,
        y=development.y,
        folds=folds,
        predictions=predictions,
        n_train=float(np.mean(n_train)),
        groups=development.drawn_together,
        sample_weight=development.sample_weight,
        costs=development.costs,
        disqualified=failed,
        exits=read_exits(folder),
    )


def _matrix(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    arms: tuple[Arm, ...],
    files: list[tuple[str, str]],
) -> tuple[np.ndarray, np.ndarray]:
    """Return folds, -1 for blocks that were not run, and predictions, NaN for arms that were not."""
    planned, n_classes = development.folds, len(development.context.schema.classes)
    folds = np.full_like(planned, -1)
    matrix = np.full((len(arms), *folds.shape) + ((n_classes,) if n_classes else ()), np.nan)
    blocks = {block.scope: block for block in layout.blocks}
    place = {arm.name: i for i, arm in enumerate(arms)}
    for scope, batch in files:
        block = blocks[scope]
        rows = np.flatnonzero(planned[block.repeat] == block.fold)
        folds[block.repeat, rows] = block.fold
        names = folder.read_json(f"work/{scope}/predictions-{batch}.json")
        predictions = Scope(folder.scope(scope)).read_predictions(f"predictions-{batch}.npy")
        for name, predicted in zip(names, predictions, strict=True):
            if name in place:
                matrix[place[name], block.repeat, rows] = predicted
    return folds, matrix

"""Measure how much better the two models score on their training rows than on unseen ones."""

from __future__ import annotations

import logging

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.errors import RealmixError, StudyInterrupted
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Block, Layout, Plan
from realmix.tasks.core.scores.generalisation import describe_gap, with_gap
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.fits.cached import cached_training_scores
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.shared_storage import at_hand
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.development import Development

log = logging.getLogger("realmix")


@task(task_run_name="measure-gap", cache_policy=NO_CACHE)
def measure_gap(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold, comparison: Comparison
) -> None:
    """Add the training-validation gap of real only and of the best mix to ``generalisation.json``.

    Both are fitted again on the folds of the first repeat. A failure here loses only this number. Where a
    threshold decides, it is the gap of the log-loss: a threshold is tuned on unseen rows, for these.
    """
    arms = [arm for arm in (comparison.incumbent, comparison.best_mix) if arm is not None]
    blocks = [block for block in layout.blocks if block.repeat == 0]
    deciding = development.context.metric(layout.plan.metric)
    metric = METRICS["log_loss"] if deciding.best_threshold else deciding
    try:
        training = training_scores(folder, blocks, arms, layout.plan, metric)
    except StudyInterrupted:
        raise
    except RealmixError as err:
        log.warning("the training-validation gap could not be measured: %s", err)
        return
    pairs = [(training[arm.name], validation_scores(development, oof, blocks, arm, metric)) for arm in arms]
    gap = describe_gap(
        metric,
        pairs[0],
        pairs[1] if len(pairs) > 1 else None,
        n_validation=comparison.n_validation,
        n_train=comparison.n_train,
    )
    found = with_gap(folder.read_json("work/generalisation.json"), gap)
    folder.write_json("work/generalisation.json", to_jsonable(found))


def training_scores(
    folder: StudyFolder, blocks: list[Block], arms: list[Arm], plan: Plan, metric: MetricSpec
) -> dict[str, list[float]]:
    """Score every arm on the real training rows of each block; NaN where its fit failed."""

    def score(block: Block) -> dict[str, float]:
        with at_hand(folder, block.scope) as here:
            return cached_training_scores(here, block.scope, arms, plan, metric.name)

    by_block = current_workers().spread(score, blocks)
    return {arm.name: [scores.get(arm.name, float("nan")) for scores in by_block] for arm in arms}


def validation_scores(
    development: Development, oof: OutOfFold, blocks: list[Block], arm: Arm, metric: MetricSpec
) -> list[float]:
    """Score an arm on the validation rows of each block, in the same way as on its training rows."""
    predicted = oof.predictions[oof.arms.index(arm)]
    y, weight, folds = development.y, development.weight, development.folds
    scores = []
    for block in blocks:
        rows = np.flatnonzero(folds[block.repeat] == block.fold)
        of_block = predicted[block.repeat, rows]
        known = bool(np.isfinite(of_block).all())
        scores.append(metric.compute(y[rows], of_block, weight[rows]) if known else float("nan"))
    return scores

"""Examine the arms that may ship: training against validation scores, what they look at, and the rows of the mix."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

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
from realmix.tasks.fits.cached import cached_examination, cached_likeness
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.shared_storage import at_hand
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.development import Development
from realmix.tasks.study.synthesize import steps_before

log = logging.getLogger("realmix")
# Among the intermediate files; empty where the arms could not be examined.
IMPORTANCE, LIKENESS = "work/importance.json", "work/likeness.json"


@task(task_run_name="examine", cache_policy=NO_CACHE)
def examine(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold, comparison: Comparison
) -> None:
    """Examine real only and the best mix, and the synthetic rows of the latter.

    Adds the training-validation gap to ``generalisation.json``; writes ``importance.json``, what each arm looks at,
    and ``likeness.json``, how like real rows the mix's are. Both arms are fitted again on the folds of the first
    repeat. A failure here loses only these numbers. Where a threshold decides, they are of the log-loss: a threshold
    is tuned on unseen rows, for these.
    """
    arms = [arm for arm in (comparison.incumbent, comparison.best_mix) if arm is not None]
    blocks = [block for block in layout.blocks if block.repeat == 0]
    deciding = development.context.metric(layout.plan.metric)
    metric = METRICS["log_loss"] if deciding.best_threshold else deciding
    likeness = comparison.best_mix and or_none(compare_rows, folder, blocks[0], comparison.best_mix)
    folder.write_json(LIKENESS, likeness or None)
    found = or_none(examinations, folder, blocks, arms, layout.plan, metric)
    if found is None:
        folder.write_json(IMPORTANCE, {})
        return
    training = {
        arm.name: [each.get(arm.name, {}).get("training", float("nan")) for each in found] for arm in arms
    }
    pairs = [(training[arm.name], validation_scores(development, oof, blocks, arm, metric)) for arm in arms]
    gap = describe_gap(
        metric,
        pairs[0],
        pairs[1] if len(pairs) > 1 else None,
        n_validation=comparison.n_validation,
        n_train=comparison.n_train,
    )
    described = with_gap(folder.read_json("work/generalisation.json"), gap)
    folder.write_json("work/generalisation.json", to_jsonable(described))
    folder.write_json(IMPORTANCE, to_jsonable({arm.name: importance(found, arm, metric) for arm in arms}))


def or_none(step: Callable[..., Any], *given: Any) -> Any:
    """Return what a step returns, or None, with a warning, where it failed."""
    try:
        return step(*given)
    except StudyInterrupted:
        raise
    except RealmixError as err:
        log.warning("what ships could not be examined: %s", err)
        return None


def examinations(
    folder: StudyFolder, blocks: list[Block], arms: list[Arm], plan: Plan, metric: MetricSpec
) -> list[dict[str, dict[str, Any]]]:
    """Examine every arm on each block; an arm is left out where its fit failed."""

    def one(block: Block) -> dict[str, dict[str, Any]]:
        with at_hand(folder, block.scope, *steps_before(*arms)) as here:
            return cached_examination(here, block.scope, arms, plan, metric.name)

    return current_workers().spread(one, blocks)


def compare_rows(folder: StudyFolder, block: Block, mix: Arm) -> dict[str, Any]:
    """Compare the synthetic rows of the best mix in a block with real ones."""

    def one(block: Block) -> dict[str, Any]:
        with at_hand(folder, block.scope, *steps_before(mix)) as here:
            return cached_likeness(here, block.scope, mix)

    return current_workers().spread(one, [block])[0]


def importance(found: list[dict[str, dict[str, Any]]], arm: Arm, metric: MetricSpec) -> dict[str, Any]:
    """Average over the blocks what shuffling a feature costs an arm, most important features first."""
    by_block = [each[arm.name]["importance"] for each in found if arm.name in each]
    features = by_block[0] if by_block else ()
    values = {name: np.array([each[name] for each in by_block]) for name in features}
    ordered = sorted(values, key=lambda name: (-values[name].mean(), name))
    return {
        "importance_metric": metric.name,
        "importance_is_relative": metric.margin_is_relative,
        "importance": [
            {
                "feature": name,
                "worsens": float(values[name].mean()),
                "low": float(values[name].min()),
                "high": float(values[name].max()),
            }
            for name in ordered
        ],
    }


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

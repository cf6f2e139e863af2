"""Measure how many additional real rows the best mix is worth, from the learning curve of real only."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.errors import RealmixError, StudyInterrupted, SynthesizerFailed
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Block, Layout, Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_scores
from realmix.tasks.core.scores.rows_saved import (
    LearningCurve,
    best_per_size,
    describe_rows_saved,
    measure_rows_saved,
)
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, MIX_SHARE
from realmix.tasks.fits.cached import cached_arms, cached_pool, cached_teacher
from realmix.tasks.fits.scope import Scope
from realmix.tasks.fits.subsets import cut_subsets, subset_name
from realmix.tasks.runtime.shared_storage import at_hand, bring, key_of, share
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.collecting import collecting
from realmix.tasks.study.development import Development

log = logging.getLogger("realmix")
CURVE = "curve"


@task(task_run_name="rows-saved", cache_policy=NO_CACHE)
def rows_saved(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold, comparison: Comparison
) -> dict[str, Any]:
    """Fit real only on nested subsets of the folds and the best mix on half of each, and compare.

    The folds are those of the first `curve_repeats` repeats. A failure here loses only this
    number.

    Returns
    -------
    dict
        ``rows_saved``, see :func:`realmix.tasks.core.scores.rows_saved.describe_rows_saved`, or None with
        ``rows_saved_reason``; ``collecting``, see
        :func:`realmix.tasks.core.scores.collecting.describe_collecting`.
    """
    best_mix = comparison.best_mix
    if best_mix is None:
        return _unknown("there was no mix to measure")
    if not layout.plan.curve_repeats:
        return _unknown("the plan left the rows-saved curve out")
    try:
        curve, arms = measure_curve(folder, layout, development, oof, comparison, best_mix)
    except StudyInterrupted:
        raise
    except RealmixError as err:
        log.warning("the rows saved could not be measured: %s", err)
        return _unknown(str(err).rstrip("."))
    context = development.context
    saved = measure_rows_saved(curve, seed=derive_seed(context.snapshot, layout.plan.seed, "rows-saved"))
    names = [arm.name for arm in arms]
    described = describe_rows_saved(saved, curve, context.card, arm=best_mix.name, curve_arms=names)
    return {
        "rows_saved": to_jsonable(described),
        "rows_saved_reason": None,
        "collecting": collecting(folder, layout, development, oof, curve, arms[-1], best_plain(comparison)),
    }


def measure_curve(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    oof: OutOfFold,
    comparison: Comparison,
    best_mix: Arm,
) -> tuple[LearningCurve, list[Arm]]:
    """Measure the learning curve of real only with the mix beside it.

    Returns
    -------
    curve : LearningCurve
    arms : list of Arm
        The best at each size.

    Raises
    ------
    RealmixError
        If the mix failed on half of a fold, or every real-only arm at some size.
    """
    plan, arms = layout.plan, curve_arms(comparison)
    blocks = [block for block in layout.blocks if block.repeat < plan.curve_repeats]
    n_rows, failed = fit_subsets(folder, plan, blocks, arms, best_mix)
    if best_mix.name in failed:
        raise SynthesizerFailed(f"{best_mix.name} on half of the rows: {failed[best_mix.name]}")
    scores, mix_scores = subset_scores(folder, layout, development, oof, blocks, arms)
    better = comparison.greater_is_better
    best = best_per_size(scores, greater_is_better=better)
    of_best = scores[best, np.arange(len(CURVE_SHARES))]
    return LearningCurve(n_rows, of_best, mix_scores, n_rows[MIX_SHARE], better), [arms[arm] for arm in best]


def curve_arms(comparison: Comparison) -> list[Arm]:
    """Return the incumbent, then the best trial of every model on the real rows as they are."""
    plain = [Arm(Mix(), row.model, row.trial) for row in comparison.arms if row.mix == Mix().name]
    return list(dict.fromkeys([comparison.incumbent, *plain]))


def best_plain(comparison: Comparison) -> Arm | None:
    """Return the best arm on the real rows as they are, without a teacher; None if all failed."""
    return next((arm for arm in curve_arms(comparison) if arm.mix == Mix()), None)


def fit_subsets(
    folder: StudyFolder, plan: Plan, blocks: list[Block], arms: list[Arm], best_mix: Arm
) -> tuple[np.ndarray, dict[str, str]]:
    """Cut all subsets and fit them in parallel.

    Returns
    -------
    n_rows : ndarray of shape (n_shares,)
        Mean over the folds.
    failed : dict of arm name to reason
        Arms that failed on any subset.
    """

    def fit(job: tuple[Block, int]) -> dict[str, str]:
        block, number = job
        scope = subsets(block)[number]
        with at_hand(folder, scope, gives=CURVE) as here:
            return fit_subset(here, plan, scope, arms, best_mix if number == MIX_SHARE else None)

    # The mixes first: all workers would wait for a synthesizer that starts last.
    numbers = sorted(range(len(CURVE_SHARES) - 1), key=lambda number: number != MIX_SHARE)
    jobs = [(block, number) for number in numbers for block in blocks]
    n_rows = np.mean([cut_subsets(folder.scope(block.scope)) for block in blocks], axis=0)
    scopes = [scope for block in blocks for scope in subsets(block)]
    share(folder, *scopes)
    failures = current_workers().spread(fit, jobs)
    bring(folder, [key_of(scope, CURVE) for scope in scopes])
    return n_rows, {arm: reason for each in reversed(failures) for arm, reason in each.items()}


def subsets(block: Block) -> list[str]:
    """Return the scopes of a fold's subsets, without the whole fold."""
    return [subset_name(block.scope, part) for part in CURVE_SHARES[:-1]]


def fit_subset(
    folder: StudyFolder, plan: Plan, scope: str, arms: list[Arm], mixed: Arm | None
) -> dict[str, str]:
    """Fit the real-only arms and, if given, the mix on a subset; return the reasons of failed arms."""
    if mixed or any(arm.needs_teacher for arm in arms):
        cached_teacher(folder, scope, plan)
    failures: dict[str, str] = cached_arms(folder, scope, "curve-real-only", arms, plan)["failures"]
    if mixed is None:
        return failures
    ratio = mixed.mix.synthetic_ratio
    try:
        cached_pool(folder, scope, str(mixed.mix.synthesizer), plan, max_ratio=ratio)
    except StudyInterrupted:
        raise
    except RealmixError as err:
        return {**failures, mixed.name: str(err)}
    return {**failures, **cached_arms(folder, scope, "curve-mix", [mixed], plan)["failures"]}


def subset_scores(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    oof: OutOfFold,
    blocks: list[Block],
    arms: list[Arm],
) -> tuple[np.ndarray, np.ndarray]:
    """Score the real-only arms at every size, and the mix, as the comparison scores.

    Returns
    -------
    scores : ndarray of shape (n_arms, n_shares, n_folds)
        NaN where an arm failed on some fold.
    mix : ndarray of shape (n_folds,)
        On the folds in which the metric is defined.
    """
    folds = development.folds[: max(block.repeat for block in blocks) + 1]
    predicted, of_mix = predictions(folder, oof, blocks, arms, folds)
    is_there = np.isfinite(predicted[:, :, folds >= 0].reshape(*predicted.shape[:2], -1)).all(axis=2)
    by_size = OutOfFold(
        arms=(*(arms[arm] for arm, _ in np.argwhere(is_there)), arms[0]),  # names play no part
        y=development.y,
        folds=folds,
        predictions=np.concatenate([predicted[is_there], of_mix[np.newaxis]]),
        n_train=float("nan"),
        sample_weight=development.sample_weight,
        costs=development.costs,
    )
    scored = fold_scores(by_size, development.context.metric(layout.plan.metric))
    scored = scored[:, np.isfinite(scored).all(axis=0)]
    scores = np.full((len(arms), len(CURVE_SHARES), scored.shape[1]), np.nan)
    scores[is_there] = scored[:-1]
    return scores, scored[-1]


def predictions(
    folder: StudyFolder, oof: OutOfFold, blocks: list[Block], arms: list[Arm], folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Read the out-of-fold predictions at every size (whole folds: from the race) and of the mix.

    Returns
    -------
    ndarray of shape (n_arms, n_shares, n_repeats, n_rows[, n_classes])
    ndarray of shape (n_repeats, n_rows[, n_classes])
    """
    whole = np.stack([oof.predictions[oof.arms.index(arm), : len(folds)] for arm in arms])
    by_size = np.full((len(arms), len(CURVE_SHARES), *whole.shape[1:]), np.nan)
    by_size[:, -1] = whole
    of_mix = np.full(whole.shape[1:], np.nan)
    for block in blocks:
        validated = folds[block.repeat] == block.fold
        for number, name in enumerate(subsets(block)):
            scope = Scope(folder.scope(name))
            by_size[:, number, block.repeat, validated] = scope.read_predictions("curve-real-only.npy")
            if number == MIX_SHARE:
                of_mix[block.repeat, validated] = scope.read_predictions("curve-mix.npy")[0]
    return by_size, of_mix


def _unknown(reason: str) -> dict[str, Any]:
    return {"rows_saved": None, "rows_saved_reason": reason, "collecting": None}

"""Which trials mixes try: those of their learner that were best on real rows, in a study and in its bootstrap draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.mixes.arms import Arm, LabelRule
from realmix.tasks.core.plan.plan import Trials
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_scores


def best_trials(oof: OutOfFold, metric: MetricSpec, n_trials: int) -> Trials:
    """Return the trials that mixes try: those that were best on real rows alone.

    Parameters
    ----------
    oof : OutOfFold
        With the arms of real only and its distillation.
    metric : MetricSpec
    n_trials : int
        Of each mix and learner.

    Returns
    -------
    dict of learner and label rule to trials in ascending order
        From real only for joint labels and from distillation for the teacher's.
    """
    scores = np.nanmean(fold_scores(oof, metric), axis=1)
    ranked: dict[tuple[str, LabelRule], list[int]] = {}
    for place in np.argsort(-scores if metric.greater_is_better else scores, kind="stable"):
        arm = oof.arms[place]
        if arm.mix.role == "real_only":
            ranked.setdefault((arm.model, arm.mix.label_rule), []).append(arm.trial)
    return {of_learner: sorted(trials[:n_trials]) for of_learner, trials in ranked.items()}


def tries(utility: np.ndarray, is_candidate: np.ndarray, arms: Sequence[Arm]) -> np.ndarray:
    """Return which arms a draw would try: of mixes, those whose trials are best on real rows in this draw.

    Parameters
    ----------
    utility : ndarray of shape (n_draws, n_arms)
        Scores, higher = better.
    is_candidate : ndarray of bool, shape (n_arms,)
    arms : sequence of Arm

    Returns
    -------
    ndarray of bool, shape (n_draws, n_arms)

    Examples
    --------
    >>> from realmix.tasks.core.mixes.arms import Mix
    >>> arms = [*(Arm(Mix(), "linear", trial) for trial in range(3)), Arm(Mix("smote"), "linear", 1)]
    >>> utility = np.array([[1, 2, 0, 9], [2, 1, 0, 9]])
    >>> tries(utility, np.array([False] * 3 + [True]), arms)[:, 3].tolist()
    [True, False]
    """
    allowed = np.ones(utility.shape, dtype=bool)
    mixed: dict[tuple[str, LabelRule], list[int]] = {}
    for place in np.flatnonzero(is_candidate).tolist():
        mixed.setdefault((arms[place].model, arms[place].mix.label_rule), []).append(place)
    for of_learner, places in mixed.items():
        real = {
            arm.trial: place
            for place, arm in enumerate(arms)
            if arm.mix.role == "real_only" and (arm.model, arm.mix.label_rule) == of_learner
        }
        n_tried = len({arms[place].trial for place in places})
        rank = np.argsort(np.argsort(-utility[:, list(real.values())], axis=1, kind="stable"), axis=1)
        is_tried = dict(zip(real, (rank < n_tried).T, strict=True))
        for place in places:
            allowed[:, place] = is_tried.get(arms[place].trial, True)
    return allowed

"""Which mixes of each learner run in the repeats after the first, in a study and in its bootstrap draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from realmix.tasks.core.decision.default_recipe import is_default
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import MAX_FINALISTS


def shortlist(utility: np.ndarray, is_candidate: np.ndarray, arms: Sequence[Arm]) -> np.ndarray:
    """Return which candidates belong to their learner's best mixes, each mix scored by its best arm.

    Parameters
    ----------
    utility : ndarray of shape (n_draws, n_arms)
        Scores on the first repeat, higher = better.
    is_candidate : ndarray of bool, shape (n_arms,) or (n_draws, n_arms)
    arms : sequence of Arm

    Returns
    -------
    ndarray of bool, shape (n_draws, n_arms)

    Examples
    --------
    >>> from realmix.tasks.core.mixes.arms import Mix
    >>> arms = [Arm(Mix(f"s{i}", 1.0), "linear", trial) for i in range(5) for trial in range(2)]
    >>> utility = np.array([[1, 1, 9, 0, 8, 0, 0, 7, 6, 0]])
    >>> shortlist(utility, np.ones(10, dtype=bool), arms).astype(int).tolist()
    [[0, 0, 1, 1, 1, 1, 1, 1, 1, 1]]
    """
    candidates = np.broadcast_to(is_candidate, utility.shape)
    allowed = np.zeros(utility.shape, dtype=bool)
    for of_learner in by_learner(arms):
        allowed |= _shortlist_of_one(utility, candidates & of_learner, arms)
    return allowed


def _shortlist_of_one(utility: np.ndarray, candidates: np.ndarray, arms: Sequence[Arm]) -> np.ndarray:
    utility = np.where(candidates, utility, -np.inf)
    places = np.flatnonzero(candidates.any(axis=0))
    allowed = np.zeros(utility.shape, dtype=bool)
    if not len(places):
        return allowed
    names, mix_of = np.unique([arms[place].mix.name for place in places.tolist()], return_inverse=True)
    is_recipe = np.unique(mix_of[is_default(arms)[places]])
    best = np.column_stack([utility[:, places[mix_of == mix]].max(axis=1) for mix in range(len(names))])
    # The default recipe stays as long as nothing beats it clearly.
    best[:, is_recipe] = np.where(np.isfinite(best[:, is_recipe]), np.inf, -np.inf)
    finalists = np.argsort(-best, axis=1, kind="stable")[:, :MAX_FINALISTS]
    is_finalist = np.zeros(best.shape, dtype=bool)
    np.put_along_axis(is_finalist, finalists, True, axis=1)
    allowed[:, places] = is_finalist[:, mix_of]
    return allowed & candidates


def by_learner(arms: Sequence[Arm]) -> list[np.ndarray]:
    """Return a mask of shape (n_arms,) for each learner, in order of appearance."""
    models = np.array([arm.model for arm in arms])
    return [models == model for model in dict.fromkeys(models.tolist())]

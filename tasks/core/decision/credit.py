"""Credit: how much of a learner's gain is due to tuning, to the ensemble's labels and to synthetic rows.

A learner climbs in steps: its first trial on real rows, its best trial there, the best with labels
softened by the ensemble too, and its best mix. Each step is measured on the same out-of-fold rows that
choose, less its optimism: the bootstrap draws of the promise repeat every choice on the drawn rows and score it on the
others. All steps are compared with the first, so that they add up. Seeds that a shipped model is the
mean of are not in it: the study fits one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.promised_gain import Draws, Promise, best_of, corrected
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.scores.out_of_fold import gains


@dataclass(frozen=True)
class Credit:
    """Parts of the gain of a learner's best mix over its first trial on real rows.

    In shares of the first trial's score where the metric's margin is relative, otherwise in the metric's
    own units; positive = better. A part is None where nothing of its kind was tried.

    Attributes
    ----------
    tuning : Promise or None
        The best trial on real rows against the first.
    labels : Promise or None
        The best on real rows, with their own labels or half the ensemble's, against that.
    synthetic_rows : Promise or None
        The best mix against that, whether or not it ships.
    whole : Promise
        Their sum.
    """

    tuning: Promise | None
    labels: Promise | None
    synthetic_rows: Promise | None
    whole: Promise


@dataclass(frozen=True)
class Steps:
    """Arms among which one learner chooses at each step; no step where several learners are compared.

    Attributes
    ----------
    metric : MetricSpec
    is_own, is_on_real : ndarray of bool, shape (n_arms,)
        Real rows with their own labels, and these or with labels half the ensemble's.
    """

    metric: MetricSpec
    is_own: np.ndarray
    is_on_real: np.ndarray

    @classmethod
    def of(cls, case: ScoredArms) -> Steps:
        """Find the steps of the only learner that knows the features."""
        models = {arm.model for arm in case.oof.arms} - case.null_models
        is_on_real = case.is_real_only & case.where(lambda arm: models == {arm.model})
        return cls(case.metric, is_on_real & case.where(lambda arm: arm.mix == Mix()), is_on_real)

    def climb(self, scores: np.ndarray, is_candidate: np.ndarray) -> np.ndarray:
        """Choose an arm at each step.

        Parameters
        ----------
        scores : ndarray of shape (n_draws, n_arms)
        is_candidate : ndarray of bool, shape (n_arms,) or (n_draws, n_arms)

        Returns
        -------
        ndarray of int, shape (n_draws, 4)
            The first arm, the best of its own labels, the best on real rows, and the best candidate, or the
            one before it where there is none; of shape (n_draws, 0) without a first arm.

        Examples
        --------
        >>> from realmix.tasks.metrics import METRICS
        >>> own, on_real = np.array([True, True, False, False]), np.array([True, True, True, False])
        >>> steps = Steps(METRICS["log_loss"], own, on_real)
        >>> steps.climb(np.array([[0.5, 0.4, 0.3, 0.2]]), ~on_real).tolist()
        [[0, 1, 2, 3]]
        """
        if not self.is_own.any():
            return np.empty((len(scores), 0), dtype=int)
        utility = scores if self.metric.greater_is_better else -scores
        first = np.full(len(utility), np.argmax(self.is_own))
        on_real = best_of(utility, self.is_on_real)
        mix = np.where(is_candidate.any(axis=-1), best_of(utility, is_candidate), on_real)
        return np.column_stack([first, best_of(utility, self.is_own), on_real, mix])

    def cumulated(self, scores: np.ndarray) -> np.ndarray:
        """Return the gain of each step of (n_draws, 4) scores over the first: (n_draws, 4)."""
        return gains(self.metric, scores, scores[:, :1])


def credit(case: ScoredArms, steps: Steps, draws: Draws) -> Credit | None:
    """Split the gain of a learner.

    Parameters
    ----------
    case : ScoredArms
    steps : Steps
        Of `case`.
    draws : Draws
        With the path that `steps` climbs.

    Returns
    -------
    Credit or None
        None where several learners are compared, or the only one ran a single arm.
    """
    was_tried = [
        steps.is_own.sum() > 1,
        (steps.is_on_real & ~steps.is_own).any(),
        case.best_mix is not None,
    ]
    if not steps.is_own.any() or not any(was_tried):
        return None
    path = steps.climb(case.scores[None, :], case.preferred)[0]
    naive = steps.cumulated(case.scores[None, path])[0]
    in_bag = steps.cumulated(np.take_along_axis(draws.in_bag, draws.path, axis=1))
    left_out, alike = steps.cumulated(draws.path_left_out), _decide_alike(case, path, draws)

    def part(step: int) -> Promise | None:
        if not was_tried[step]:
            return None
        added, drawn, scored = (np.diff(gain)[..., step] for gain in (naive, in_bag, left_out))
        return corrected(float(added), drawn, scored, alike[:, step], case.widening)

    parts = part(0), part(1), part(2)
    whole = corrected(float(naive[-1]), in_bag[:, -1], left_out[:, -1], alike[:, -1], case.widening)
    return Credit(*parts, _summed(whole, [each for each in parts if each]))


def _decide_alike(case: ScoredArms, path: np.ndarray, draws: Draws) -> np.ndarray:
    """Return which draws choose as all rows do at each step after the first: (n_draws, 3).

    Whether the first trial stays; the same kind of labels; a mix of the same family that beats real only, or
    does not, as all rows say: as where the mix is promised its gain.
    """
    families = [arm.mix.family for arm in case.oof.arms]
    code = np.array([families.index(family) for family in families])
    alike: np.ndarray = code[draws.path[:, 1:]] == code[path[1:]]
    alike[:, 0] = (draws.path[:, 1] == path[0]) == (path[1] == path[0])
    alike[:, -1] &= (draws.chosen == draws.path[:, -1]) == (case.winner == path[-1])
    return alike


def _summed(whole: Promise, parts: list[Promise]) -> Promise:
    """Move the whole and its interval to the sum of the parts."""
    gain, optimism = sum(part.gain for part in parts), sum(part.optimism for part in parts)
    low, high = (gain + bound - whole.gain for bound in whole.interval)
    return dataclasses.replace(whole, gain=gain, interval=(low, high), optimism=optimism)

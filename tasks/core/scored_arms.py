"""Scores of all arms under the deciding metric, who won, and how any two of them compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.core.arms import CONTROL_SYNTHESIZERS, Arm
from tasks.core.errors import BadInput, RealmixError
from tasks.core.plugins import MetricSpec
from tasks.core.promise import choose
from tasks.core.scores import OutOfFold, RowScores, fold_gains, fold_scores, gains
from tasks.core.significance import CorrectedT, corrected_resampled_t, widening_factor


@dataclass(frozen=True)
class ControlTest:
    """The challenger against the best arm of a control.

    `beats` is True where the lower bound of the corrected 90 % interval of the gain is above
    zero, so that a copy of the control passes in at most one case of twenty.
    """

    control: str
    gain: float
    interval: tuple[float, float]
    beats: bool


class ScoredArms:
    """Scores of all arms, their roles, and who won; arms are named by their places in `oof.arms`.

    Attributes
    ----------
    folds : ndarray of shape (n_arms, n_folds)
        Scores per fold, of the folds where the metric is defined for every arm.
    scores, utility, gains : ndarray of shape (n_arms,)
        What the rule sees: in the metric's units; the same, higher = better; and against the
        incumbent, positive = better.
    is_real_only, is_candidate : ndarray of bool, shape (n_arms,)
    winner, incumbent : int
    challenger : int or None
        Best candidate, whether or not it won.

    Raises
    ------
    RealmixError
        If no arm is real only, or the metric is defined in no fold.
    """

    def __init__(self, oof: OutOfFold, metric: MetricSpec, null_models: frozenset[str]) -> None:
        self.oof, self.metric = oof, metric
        roles = np.array([arm.mix.role for arm in oof.arms])
        is_null = np.array([arm.model in null_models for arm in oof.arms])
        self.is_real_only = roles == "real_only"
        self.is_candidate = (roles == "candidate") & ~is_null
        if not self.is_real_only.any():
            raise RealmixError("No real-only arm among the predictions: add one, it is the reference.")
        self.folds = _defined(fold_scores(oof, metric), metric)
        self.row_scores = RowScores(oof, metric) if metric.row_loss is not None else None
        every_row = np.ones((1, len(oof.rows)))
        self.scores = self.row_scores.all_arms(every_row)[0] if self.row_scores else self.folds.mean(axis=1)
        self.utility = self.scores if metric.greater_is_better else -self.scores
        chosen, reference = choose(self.scores[None, :], metric, self.is_real_only, self.is_candidate)
        self.winner, self.incumbent = int(chosen[0]), int(reference[0])
        self.gains = gains(metric, self.scores, self.scores[self.incumbent])
        self.challenger = self.best(self.is_candidate)

    @property
    def widening(self) -> float:
        """Nadeau-Bengio factor on the distance of a bound from its mean, >= 1."""
        sizes = {"n_validation": self.oof.n_validation, "n_train": self.oof.n_train}
        return widening_factor(self.folds.shape[1], **sizes, n_rows=len(self.oof.rows))

    def best(self, allowed: np.ndarray) -> int | None:
        """Best arm among the allowed ones, the first of equals."""
        if not allowed.any():
            return None
        return int(np.argmax(np.where(allowed, self.utility, -np.inf)))

    def fold_gains(self, arm: int, reference: int) -> np.ndarray:
        """Gains of an arm over another in every fold, of shape (n_folds,)."""
        return fold_gains(self.metric, self.folds[arm], self.folds[reference])

    def t_test(self, arm: int, reference: int) -> CorrectedT:
        """Corrected resampled t-test of the fold gains."""
        return corrected_resampled_t(
            self.fold_gains(arm, reference), n_validation=self.oof.n_validation, n_train=self.oof.n_train
        )

    def where(self, is_wanted: Callable[[Arm], bool]) -> np.ndarray:
        """Mask of the wanted arms, of shape (n_arms,)."""
        return np.array([is_wanted(arm) for arm in self.oof.arms])


def _defined(folds: np.ndarray, metric: MetricSpec) -> np.ndarray:
    """Columns of the folds that have a score for every arm."""
    defined = folds[:, np.isfinite(folds).all(axis=0)]
    if not defined.shape[1]:
        raise BadInput(
            f"The metric {metric.name} is undefined in every one of {folds.shape[1]} validation folds: "
            "their rows lack a class, vary in nothing or weigh nothing. Choose another metric, or more rows."
        )
    return defined


def control_test(case: ScoredArms, arm: int, is_wanted: Callable[[Arm], bool]) -> ControlTest | None:
    """Hold an arm against the best arm that is wanted as a control; None where there is none."""
    control = case.best(case.where(is_wanted))
    if control is None:
        return None
    test = case.t_test(arm, control)
    return ControlTest(case.oof.arms[control].name, test.mean, test.interval, test.interval[0] > 0)


def is_control(synthesizer: str, label_rule: str) -> Callable[[Arm], bool]:
    """Say which arms are those of a control synthesizer under one label rule."""
    assert synthesizer in CONTROL_SYNTHESIZERS
    return lambda arm: (arm.mix.synthesizer, arm.mix.label_rule) == (synthesizer, label_rule)

"""Scores of all arms under the deciding metric, the winner, and how any two arms compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from realmix.tasks.core.contracts.specs import CONTROLS, REFERENCE_MODEL, MetricSpec
from realmix.tasks.core.decision.default_recipe import is_default
from realmix.tasks.core.decision.promised_gain import Rule, choose, preferred
from realmix.tasks.core.decision.race_bootstrap import RaceBootstrap
from realmix.tasks.core.decision.shortlist import shortlist
from realmix.tasks.core.decision.tuned_trials import tries
from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import (
    OutOfFold,
    RowScores,
    explained_share,
    fold_gains,
    fold_scores,
    gains,
)
from realmix.tasks.core.scores.significance import CorrectedT, corrected_resampled_t, widening_factor

# Standard errors by which another learner must lead the default one.
LEAD_ERRORS = 2.0


@dataclass(frozen=True)
class ControlTest:
    """Test of the best mix against the best arm of a control.

    `beats` is True where the lower bound of the corrected 90 % interval of the gain is above
    zero, so that a copy of the control passes in at most one case of twenty.
    """

    control: str
    gain: float
    interval: tuple[float, float]
    beats: bool


class ScoredArms:
    """Scores of all arms, their roles, and the winner; an arm is an index into `oof.arms`.

    Attributes
    ----------
    folds : ndarray of shape (n_arms, n_folds)
        Scores per fold, of the folds where the metric is defined for every arm; NaN after an
        arm's exit from the race.
    scores, utility, gains : ndarray of shape (n_arms,)
        What the rule uses: in the metric's units; the same, higher = better; and against the
        incumbent, positive = better.
    is_real_only, is_candidate, is_beaten : ndarray of bool, shape (n_arms,)
        Arms beaten in the race are no longer candidates: hardly any draw would choose them.
    is_eligible : ndarray of bool, shape (n_arms,)
        Candidates that ran to the end of the race: what the rule may choose on all rows.
    is_default : ndarray of bool, shape (n_arms,)
        Candidates that are the default recipe of their learner.
    rule : Rule
    preferred : ndarray of bool, shape (n_arms,)
        Eligible arms of a default recipe, and those that lead them by enough.
    winner, incumbent : int
    best_mix : int or None
        The candidate that won, or the best one where none did; all tests are about it.

    Raises
    ------
    RealmixError
        If no arm is real only, or the metric is defined in no fold.
    """

    def __init__(self, oof: OutOfFold, metric: MetricSpec, null_models: frozenset[str]) -> None:
        self.oof, self.metric, self.null_models = oof, metric, null_models
        roles = np.array([arm.mix.role for arm in oof.arms])
        is_null = np.array([arm.model in null_models for arm in oof.arms])
        self.is_real_only = roles == "real_only"
        self.is_beaten = np.array(
            [arm.name in oof.exits and oof.exits[arm.name].is_beaten for arm in oof.arms]
        )
        self.is_candidate: np.ndarray = (roles == "candidate") & ~is_null & ~self.is_beaten
        self._is_raced = self.is_candidate & self.where(lambda arm: arm.mix.is_raced)
        if not self.is_real_only.any():
            raise RealmixError("No real-only arm among the predictions: add one, it is the reference.")
        ran_all = self.where(lambda arm: arm.name not in oof.exits)
        self.folds = _defined(fold_scores(oof, metric), metric, ran_all)
        self.row_scores = RowScores(oof, metric) if metric.row_loss is not None else None
        every_row = np.ones((1, len(oof.rows)))
        by_fold = np.nanmean(self.folds, axis=1)
        by_row = self.row_scores.all_arms(every_row)[0] if self.row_scores else by_fold
        self.scores = np.where(np.isfinite(by_row), by_row, by_fold)
        self.utility = self.scores if metric.greater_is_better else -self.scores
        self.is_eligible = self.is_candidate & ran_all
        self.is_default = self.is_candidate & is_default(oof.arms)
        self.rule = Rule(self.is_real_only, self._leads_needed(), self.is_default, self._leads_over_default())
        chosen, reference = choose(self.scores[None, :], metric, self.rule, self.is_eligible)
        self.winner, self.incumbent = int(chosen[0]), int(reference[0])
        self.preferred = preferred(self.scores[None, :], metric, self.rule, self.is_eligible)[0]
        self.gains = gains(metric, self.scores, self.scores[self.incumbent])
        won = self.is_eligible[self.winner]
        self.best_mix = self.winner if won else self.best(self.preferred)

    @property
    def explained(self) -> float:
        """Share of the target that the incumbent explains; 0 where no model without features was scored."""
        null = self.best(self.where(lambda arm: arm.model in self.null_models))
        if null is None:
            return 0.0
        return explained_share(self.metric, float(self.scores[self.incumbent]), float(self.scores[null]))

    def _leads_needed(self) -> np.ndarray:
        """Compute by which gain each arm must lead the default learner's best on real rows: (n_arms,).

        No lead is asked of a model that knows no feature: nothing ships that loses to a constant. Two standard
        errors for other learners: with a few hundred rows the best of several learners is often the luckiest.
        With one (Breiman et al. 1984, Classification and Regression Trees, 3.4.3) three of three switches on
        the panel's tables were harmed, by 9 % on average.
        """
        needed = np.zeros(len(self.oof.arms))
        is_default = self.where(lambda arm: arm.model == REFERENCE_MODEL)
        is_other = self.where(lambda arm: arm.model not in (REFERENCE_MODEL, *self.null_models))
        default = self.best(self.is_real_only & is_default)
        if default is not None:
            for arm in np.flatnonzero((self.is_real_only | self.is_candidate) & is_other):
                needed[arm] = LEAD_ERRORS * self.t_test(int(arm), default).standard_error
        return needed

    def _leads_over_default(self) -> np.ndarray:
        """Compute by which gain each other candidate must lead the best arm of a default recipe: (n_arms,)."""
        needed = np.zeros(len(self.oof.arms))
        default = self.best(self.is_eligible & self.is_default)
        if default is not None:
            for arm in np.flatnonzero(self.is_eligible & ~self.is_default):
                needed[arm] = LEAD_ERRORS * self.t_test(int(arm), default).standard_error
        return needed

    def eligible(self, weights: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the candidates that the rule may choose in a bootstrap draw.

        Mixes try the trials that are best on the draw's real rows alone. After a race each draw repeats
        it: what its own leader beats is dropped block by block, and after the first repeat its own best
        mixes go on. A mix that did not run in the repeats of the race itself is scored by the first
        repeat alone.

        Parameters
        ----------
        weights : ndarray of shape (n_draws, n_rows)
        scores : ndarray of shape (n_draws, n_arms)
            Of the drawn rows.

        Returns
        -------
        ndarray of bool, shape (n_draws, n_arms)
        """
        utility = scores if self.metric.greater_is_better else -scores
        return self.survivors(weights) & tries(utility, self.is_candidate, self.oof.arms)

    def survivors(self, weights: np.ndarray) -> np.ndarray:
        """Return the candidates that the race leaves in a draw, of shape (n_arms,) or (n_draws, n_arms)."""
        if self.row_scores is None or not self.oof.exits:
            return self.is_candidate
        first = self.row_scores.first_repeat(weights)
        utility = first if self.metric.greater_is_better else -first
        live = np.broadcast_to(~self.is_beaten, utility.shape)
        live = self._race.survivors(weights, live, in_first_repeat=True)
        live &= ~self._is_raced | shortlist(utility, self._is_raced & live, self.oof.arms)
        return self.is_candidate & self._race.survivors(weights, live, in_first_repeat=False)

    @cached_property
    def _race(self) -> RaceBootstrap:
        return RaceBootstrap(self.oof, self.metric, self._is_raced)

    @property
    def widening(self) -> float:
        """Nadeau-Bengio factor on the distance of a bound from its mean, >= 1."""
        sizes = {"n_validation": self.oof.n_validation, "n_train": self.oof.n_train}
        return widening_factor(self.folds.shape[1], **sizes, n_rows=len(self.oof.rows))

    def best(self, allowed: np.ndarray) -> int | None:
        """Return the best arm among the allowed ones, the first of equals."""
        if not allowed.any():
            return None
        return int(np.argmax(np.where(allowed, self.utility, -np.inf)))

    def fold_gains(self, arm: int, reference: int) -> np.ndarray:
        """Return the gains of an arm over another in every fold that both ran, of shape (n_folds,)."""
        both = np.isfinite(self.folds[arm]) & np.isfinite(self.folds[reference])
        return fold_gains(self.metric, self.folds[arm, both], self.folds[reference, both])

    def shown_gain(self, arm: int) -> float:
        """Return the gain over the incumbent as the rule used it, or on the blocks that both ran."""
        if self.oof.arms[arm].name not in self.oof.exits:
            return float(self.gains[arm])
        return float(self.fold_gains(arm, self.incumbent).mean())

    def t_test(self, arm: int, reference: int) -> CorrectedT:
        """Test the fold gains by the corrected resampled t-test."""
        return corrected_resampled_t(
            self.fold_gains(arm, reference), n_validation=self.oof.n_validation, n_train=self.oof.n_train
        )

    def where(self, is_wanted: Callable[[Arm], bool]) -> np.ndarray:
        """Return a mask of the wanted arms, of shape (n_arms,)."""
        return np.array([is_wanted(arm) for arm in self.oof.arms])


def _defined(folds: np.ndarray, metric: MetricSpec, ran_all: np.ndarray) -> np.ndarray:
    """Select the columns of the folds that have a score for every arm that ran them all."""
    defined = folds[:, np.isfinite(folds[ran_all]).all(axis=0)]
    if not defined.shape[1]:
        raise BadInput(
            f"The metric {metric.name} is undefined in every one of {folds.shape[1]} validation folds: "
            "their rows lack a class, vary in nothing or weigh nothing. Choose another metric, or more rows."
        )
    return defined


def control_test(case: ScoredArms, arm: int, is_wanted: Callable[[Arm], bool]) -> ControlTest | None:
    """Test an arm against the best arm that is wanted as a control; None where there is none."""
    control = case.best(case.where(is_wanted))
    if control is None:
        return None
    test = case.t_test(arm, control)
    return ControlTest(case.oof.arms[control].name, test.mean, test.interval, test.interval[0] > 0)


def is_control(synthesizer: str, mix: Mix) -> Callable[[Arm], bool]:
    """Return a predicate for the arms of a mix with a control's rows in place of its own."""
    assert synthesizer in CONTROLS
    control = dataclasses.replace(mix, synthesizer=synthesizer)
    return lambda arm: arm.mix == control

"""Scores of out-of-fold predictions: per row, per fold, and under bootstrap weights.

Losses of a row may be averaged over repeats and pooled over folds; scores of a ranking (AUC,
average precision, F1) may not, because the scales of different fold models differ. So there
are two kinds of scores, with one interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.mixes.arms import Arm, Exit
from realmix.tasks.core.scores.thresholds import cross_fitted_labels

# A score of zero would make a relative gain infinite.
SMALLEST_REFERENCE = 1e-12


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of every arm for every row, made by models that never saw the row.

    Attributes
    ----------
    arms : tuple of Arm
    y : ndarray of shape (n_rows,)
        Class codes (int) or numbers.
    folds : ndarray of int, shape (n_repeats, n_rows)
        Fold of each row, >= 0; -1 where the row was not validated in that repeat.
    predictions : ndarray of shape (n_arms, n_repeats, n_rows[, n_classes])
        Class probabilities or numbers; NaN where not validated, and after an arm's exit.
    n_train : float
        Mean number of training rows per fold.
    groups : ndarray of shape (n_rows,), optional
        Rows with an equal value are resampled together.
    sample_weight : ndarray of shape (n_rows,), optional
        Weight of each row, >= 0.
    costs : ndarray of shape (n_rows, n_classes), optional
        Cost of each decision on a row, where the card gives costs.
    disqualified : mapping of mix name to reason
        Mixes that failed somewhere; their arms are not among `arms`.
    exits : mapping of arm name to Exit
        Arms that left the race: they were validated on their first blocks only.

    Raises
    ------
    RealmixError
        If shapes disagree, no row was validated, or a validated row has no prediction.
    """

    arms: tuple[Arm, ...]
    y: np.ndarray
    folds: np.ndarray
    predictions: np.ndarray
    n_train: float
    groups: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    costs: np.ndarray | None = None
    disqualified: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[str, Exit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expected = (len(self.arms), self.folds.shape[0], len(self.y))
        if self.predictions.shape[:3] != expected or self.folds.shape[1] != len(self.y):
            raise RealmixError(
                f"Out-of-fold predictions have shape {self.predictions.shape}; expected "
                f"(n_arms, n_repeats, n_rows) = {expected}. Rebuild the matrix."
            )
        if not self.is_validated.any():
            raise RealmixError("No row was validated in any fold: there is nothing to compare.")
        for place, (arm, predicted) in enumerate(zip(self.arms, self.predictions, strict=True)):
            if not np.isfinite(predicted[self.ran(place)]).all():
                raise RealmixError(
                    f"Arm {arm.name} has no prediction for some validated rows: "
                    "disqualify its mix with the reason instead of scoring it."
                )

    @property
    def is_validated(self) -> np.ndarray:
        """Where a row was validated: shape (n_repeats, n_rows)."""
        return self.folds >= 0

    def ran(self, arm: int) -> np.ndarray:
        """Return where an arm was validated, up to its exit: bool of shape (n_repeats, n_rows)."""
        validated = self.is_validated
        if self.arms[arm].name in self.exits:
            for repeat, rows in self.fold_rows[self.exits[self.arms[arm].name].after_block :]:
                validated[repeat, rows] = False
        return validated

    @property
    def rows(self) -> np.ndarray:
        """Rows validated in at least one repeat."""
        return np.flatnonzero(self.is_validated.any(axis=0))

    @property
    def fold_rows(self) -> list[tuple[int, np.ndarray]]:
        """(repeat, rows) of every validation fold."""
        return [
            (repeat, np.flatnonzero(folds == fold))
            for repeat, folds in enumerate(self.folds)
            for fold in np.unique(folds[folds >= 0])
        ]

    @property
    def n_validation(self) -> float:
        """Mean number of validation rows per fold."""
        return float(np.mean([len(rows) for _, rows in self.fold_rows]))

    @property
    def row_weight(self) -> np.ndarray:
        """Weight of every row, shape (n_rows,); 1 where none was given."""
        return np.ones(len(self.y)) if self.sample_weight is None else np.asarray(self.sample_weight, float)

    def truth(self, metric: MetricSpec) -> np.ndarray:
        """Return what a metric scores predictions against: costs of decisions, or classes and numbers."""
        if not metric.scores_costs:
            return self.y
        assert self.costs is not None
        return self.costs

    @property
    def is_classification(self) -> bool:
        """True where predictions are class probabilities."""
        return self.predictions.ndim == 4

    @property
    def has_two_classes(self) -> bool:
        """True where predictions are probabilities of two classes: one threshold decides the label."""
        return self.is_classification and self.predictions.shape[-1] == 2


class Scores(Protocol):
    """Scores of arms under many weightings of the validated rows, in the metric's units."""

    def all_arms(self, weights: np.ndarray) -> np.ndarray:
        """Score all arms, shape (n_draws, n_arms), for `weights` of shape (n_draws, n_validated)."""
        ...

    def of_arms(self, weights: np.ndarray, arms: np.ndarray) -> np.ndarray:
        """Score one arm per draw: `arms` and the result have shape (n_draws,)."""
        ...


class RowScores:
    """Scores of metrics that are a mean over rows: losses are averaged over repeats, then over rows.

    An arm that left the race is scored by the repeats it ran, NaN where it ran no whole one.
    """

    def __init__(self, oof: OutOfFold, metric: MetricSpec) -> None:
        self._from_mean_loss = metric.from_mean_loss
        self._weight = oof.row_weight[oof.rows]
        per_repeat = row_losses(oof, metric, range(len(oof.arms)))[..., oof.rows]
        counts = np.isfinite(per_repeat).sum(axis=1)
        self._is_whole = (counts > 0).all(axis=1)
        self.losses = np.nansum(per_repeat, axis=1).T / np.maximum(counts, 1).T
        self._in_first = oof.folds[0, oof.rows] >= 0
        self._first_losses = np.nan_to_num(per_repeat[:, 0].T) if oof.exits else self.losses

    def all_arms(self, weights: np.ndarray) -> np.ndarray:
        """Score all arms, as :class:`Scores` describes it."""
        return self._means(weights * self._weight, self.losses)

    def first_repeat(self, weights: np.ndarray) -> np.ndarray:
        """Score all arms by the first repeat alone, in the shape of `all_arms`."""
        return self._means(weights * self._weight * self._in_first, self._first_losses)

    def _means(self, weighted: np.ndarray, losses: np.ndarray) -> np.ndarray:
        means = (weighted @ losses) / weighted.sum(axis=1, keepdims=True)
        return np.where(self._is_whole, self._from_mean_loss(means), np.nan)

    def of_arms(self, weights: np.ndarray, arms: np.ndarray) -> np.ndarray:
        """Score one arm per draw, as :class:`Scores` describes it."""
        weighted = weights * self._weight
        losses = np.einsum("bn,bn->b", weighted, self.losses.T[arms])
        return self._from_mean_loss(losses / weighted.sum(axis=1))


class FoldScores:
    """Scores computed inside each fold and then averaged over the folds that each draw can score."""

    def __init__(self, oof: OutOfFold, metric: MetricSpec, arms: Sequence[int]) -> None:
        self._oof, self._metric = with_tuned_labels(oof, metric, arms), metric
        self._truth = oof.truth(metric)
        position = np.full(len(oof.y), -1)
        position[oof.rows] = np.arange(len(oof.rows))
        self._folds = [(r, rows, position[rows]) for r, rows in scorable_folds(oof)]

    def all_arms(self, weights: np.ndarray) -> np.ndarray:
        """Score all arms, as :class:`Scores` describes it."""
        every_draw = np.arange(len(weights))
        return self._means(weights, [every_draw] * len(self._oof.arms)).T

    def of_arms(self, weights: np.ndarray, arms: np.ndarray) -> np.ndarray:
        """Score one arm per draw, as :class:`Scores` describes it."""
        means = self._means(weights, [np.flatnonzero(arms == arm) for arm in range(len(self._oof.arms))])
        return means[arms, np.arange(len(weights))]

    def _means(self, weights: np.ndarray, draws_of_arms: Sequence[np.ndarray]) -> np.ndarray:
        """Score each arm on its own draws, shape (n_arms, n_draws); NaN elsewhere."""
        total = np.zeros((len(draws_of_arms), len(weights)))
        count = np.zeros_like(total)
        for repeat, rows, columns in self._folds:
            in_fold = weights[:, columns] * self._oof.row_weight[rows]
            is_usable = _is_scorable(self._oof, rows, in_fold)
            for arm, draws in enumerate(draws_of_arms):
                usable = draws[is_usable[draws]]
                if not len(usable):
                    continue
                predicted = self._oof.predictions[arm, repeat, rows]
                drawn = in_fold if len(usable) == len(in_fold) else in_fold[usable]
                scores = draw_scores(self._metric, self._truth[rows], predicted, drawn)
                total[arm, usable] += np.nan_to_num(scores)
                count[arm, usable] += np.isfinite(scores)
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def draw_scores(metric: MetricSpec, y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score one fold under many weightings, shape (n_draws,).

    Uses the metric's `compute_draws` where it offers one; otherwise calls `compute` per draw.
    """
    if metric.compute_draws is not None:
        return np.asarray(metric.compute_draws(y, predicted, weights), dtype=float)
    scores = np.empty(len(weights))
    for draw, weight in enumerate(weights):
        drawn = weight > 0
        scores[draw] = metric.compute(y[drawn], predicted[drawn], weight[drawn])
    return scores


def row_losses(oof: OutOfFold, metric: MetricSpec, arms: Sequence[int]) -> np.ndarray:
    """Return the loss of each row, shape (n_arms, n_repeats, n_rows); NaN where not validated."""
    assert metric.row_loss is not None
    truth = oof.truth(metric)
    if metric.tuned_threshold:
        oof, arms = with_tuned_labels(oof, metric, arms), range(len(arms))
    losses = np.full((len(arms), *oof.folds.shape), np.nan)
    for position, arm in enumerate(arms):
        for repeat, ran in enumerate(oof.ran(arm)):
            predicted = oof.predictions[arm, repeat, ran]
            losses[position, repeat, ran] = metric.row_loss(truth[ran], predicted)
    return losses


def fold_scores(oof: OutOfFold, metric: MetricSpec, arms: Sequence[int] | None = None) -> np.ndarray:
    """Score each arm on each validation fold.

    Parameters
    ----------
    oof : OutOfFold
    metric : MetricSpec
    arms : sequence of int, optional
        Arms to score; all when None.

    Returns
    -------
    ndarray of shape (n_arms, n_folds)
        In the metric's units; NaN after an arm's exit. Folds that hold a single class are left
        out for metrics that are no mean over rows.
    """
    wanted = list(range(len(oof.arms)) if arms is None else arms)
    if metric.row_loss is not None:
        return _fold_means(oof, metric, wanted)
    folds = scorable_folds(oof)
    scored = with_tuned_labels(oof, metric, wanted)
    return np.array(
        [
            [_score_fold(scored, metric, arm, *fold) if ran[fold].all() else np.nan for fold in folds]
            for arm, ran in enumerate(map(oof.ran, wanted))
        ]
    )


def with_tuned_labels(oof: OutOfFold, metric: MetricSpec, arms: Sequence[int]) -> OutOfFold:
    """Return the wanted arms with what `metric` scores: labels where its threshold is tuned.

    For F1 or costs of two classes a probability of 0.5 is an arbitrary threshold that favours whichever
    arm happens to be shifted. The threshold of a fold is tuned on the other folds of its repeat;
    bootstrap draws do not tune it again.

    Returns
    -------
    OutOfFold
        Probabilities are 0 or 1 where the threshold is tuned, otherwise as they were.
    """
    chosen = replace(oof, arms=tuple(oof.arms[arm] for arm in arms), predictions=oof.predictions[list(arms)])
    if not (metric.tuned_threshold and metric.best_threshold and oof.has_two_classes):
        return chosen
    truth = oof.truth(metric)
    for place, predictions in enumerate(chosen.predictions):
        for repeat, rows in enumerate(chosen.ran(place)):
            predictions[repeat, rows] = cross_fitted_labels(
                metric.best_threshold,
                truth[rows],
                predictions[repeat, rows],
                oof.folds[repeat, rows],
                oof.row_weight[rows],
            )
    return chosen


def served_threshold(oof: OutOfFold, metric: MetricSpec, arm: Arm) -> float | None:
    """Tune the one threshold of an arm, for the holdout and for serving, on all its out-of-fold predictions.

    Returns
    -------
    float or None
        None where the most probable class is the label.
    """
    if metric.best_threshold is None or not oof.has_two_classes:
        return None
    place = oof.arms.index(arm)
    ran = oof.ran(place)
    rows = np.nonzero(ran)[1]
    p_positive = oof.predictions[place][ran][:, 1]
    return float(metric.best_threshold(oof.truth(metric)[rows], p_positive, oof.row_weight[rows]))


def scorable_folds(oof: OutOfFold) -> list[tuple[int, np.ndarray]]:
    """List the folds that hold every class (every fold for regression)."""
    folds = [(r, rows) for r, rows in oof.fold_rows if _is_scorable(oof, rows, np.ones((1, len(rows))))[0]]
    if not folds:
        raise BadInput(
            "No validation fold holds every class, so this metric cannot be computed: "
            "choose log_loss, or stratified folds."
        )
    return folds


def gains(metric: MetricSpec, score: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the gain of `score` over `reference`, positive = better.

    In shares of the reference where the metric's margin is relative, otherwise in the
    metric's own units.
    """
    score, reference = np.asarray(score), np.asarray(reference)
    gain = score - reference if metric.greater_is_better else reference - score
    if not metric.margin_is_relative:
        return gain
    return gain / np.maximum(np.abs(reference), SMALLEST_REFERENCE)


def explained_share(metric: MetricSpec, score: float, constant: float) -> float:
    """Return the share of the way from the score of a constant to a perfect one.

    Returns
    -------
    float
        1 for a perfect score, 0 for the constant's own, below 0 for worse.
    """
    perfect = metric.bounds[1] if metric.greater_is_better else metric.bounds[0]
    if perfect == constant:
        return 0.0
    return (score - constant) / (perfect - constant)


def fold_gains(metric: MetricSpec, score: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return paired gains per fold, as shares of the reference's mean where relative: (n_folds,)."""
    scale = np.full_like(reference, reference.mean())
    return gains(metric, score - reference + scale, scale)


def _fold_means(oof: OutOfFold, metric: MetricSpec, arms: Sequence[int]) -> np.ndarray:
    """Compute the scores of folds from row losses: (n_arms, n_folds)."""
    losses = row_losses(oof, metric, arms)
    means = [
        np.average(losses[:, repeat, rows], axis=1, weights=oof.row_weight[rows])
        for repeat, rows in oof.fold_rows
        if oof.row_weight[rows].any()
    ]
    return np.asarray(metric.from_mean_loss(np.column_stack(means)))


def _score_fold(oof: OutOfFold, metric: MetricSpec, arm: int, repeat: int, rows: np.ndarray) -> float:
    """Score a fold as one draw: that takes a tenth of the time of scikit-learn's checks."""
    weights = oof.row_weight[rows][np.newaxis]
    return float(draw_scores(metric, oof.truth(metric)[rows], oof.predictions[arm, repeat, rows], weights)[0])


def _is_scorable(oof: OutOfFold, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return which draws give weight to every class (to two rows, for regression): (n_draws,)."""
    if not oof.is_classification:
        return (weights > 0).sum(axis=1) >= 2
    classes = np.unique(oof.y[oof.rows])
    has_class = [(weights[:, oof.y[rows] == code] > 0).any(axis=1) for code in classes]
    return np.logical_and.reduce(has_class)

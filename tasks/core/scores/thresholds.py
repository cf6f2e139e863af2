"""Decision threshold of the positive class, tuned on other rows than it is scored on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DEFAULT_THRESHOLD = 0.5
# (y_true, p_positive, sample_weight) -> threshold
BestThreshold = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Cuts:
    """Every way to divide rows by one threshold, from all rows positive to none.

    Attributes
    ----------
    thresholds : ndarray of shape (n_cuts,)
        Midway between two neighbouring probabilities, rising; the last one is above all of them.
    places : ndarray of int, shape (n_rows,)
        Last cut at which a row is positive.
    """

    thresholds: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, p_positive: np.ndarray) -> Cuts:
        """Find the cuts of probabilities in [0, 1]."""
        levels, places = np.unique(p_positive, return_inverse=True)
        edges = np.append(levels, 1.0 if levels[-1] < 1 else 2.0)
        return cls(edges - np.diff(edges, prepend=0.0) / 2, places)

    def positive(self, amounts: np.ndarray) -> np.ndarray:
        """Sum the amounts of the rows that are positive at each cut, shape (n_cuts,)."""
        return np.bincount(self.places, amounts, minlength=len(self.thresholds))[::-1].cumsum()[::-1]

    def best(self, scores: np.ndarray) -> float:
        """Return the threshold of the highest score; of equally good ones the nearest to 0.5."""
        best = np.flatnonzero(scores >= scores.max() - 1e-12 * np.abs(scores).max())
        nearest = np.argmin(np.abs(self.thresholds[best] - DEFAULT_THRESHOLD))
        return float(self.thresholds[best[nearest]])


def best_f1_threshold(
    y_true: np.ndarray, p_positive: np.ndarray, sample_weight: np.ndarray | None = None
) -> float:
    """Find the threshold with the highest F1 of the positive class.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
        1 for the positive class, else 0.
    p_positive : ndarray of shape (n_rows,)
        In [0, 1]; a row is predicted positive if ``p_positive >= threshold``.
    sample_weight : ndarray of shape (n_rows,), optional

    Returns
    -------
    float
        Midway between two neighbouring probabilities; of equally good ones the nearest to
        0.5. Without positive rows: 0.5.

    Examples
    --------
    >>> best_f1_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.5]))
    0.25
    """
    weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
    is_positive = y_true == 1
    if weights[is_positive].sum() <= 0:
        return DEFAULT_THRESHOLD
    cuts = Cuts.of(p_positive)
    found, predicted = cuts.positive(weights * is_positive), cuts.positive(weights)
    return cuts.best(2 * found / (predicted + weights[is_positive].sum()))


def best_cost_threshold(costs: np.ndarray, p_positive: np.ndarray, sample_weight: np.ndarray) -> float:
    """Find the threshold with the lowest total cost.

    Parameters
    ----------
    costs : ndarray of shape (n_rows, 2)
        Cost of labelling each row negative, and positive.
    p_positive : ndarray of shape (n_rows,)
        In [0, 1].
    sample_weight : ndarray of shape (n_rows,)

    Returns
    -------
    float
        As of :func:`best_f1_threshold`; above every probability where no alarm pays.

    References
    ----------
    Sheng, Ling 2006, Thresholding for making classifiers cost-sensitive, AAAI: the threshold is searched for on
    cross-validated predictions, which need not be calibrated, as Elkan's p* = c10 / (c10 + c01) does.

    Examples
    --------
    >>> costs = np.array([[0, 5], [0, 5], [100, 0], [1, 0]])  # two false alarms, two amounts that are missed
    >>> round(best_cost_threshold(costs, np.array([0.1, 0.2, 0.3, 0.1]), np.ones(4)), 6)
    0.25
    """
    cuts = Cuts.of(p_positive)
    return cuts.best(-cuts.positive(sample_weight * (costs[:, 1] - costs[:, 0])))


def alert_threshold(p_positive: np.ndarray, sample_weight: np.ndarray, *, alert_rate: float) -> float:
    """Find the threshold at which the share of rows labelled positive is nearest to a rate.

    Examples
    --------
    >>> round(alert_threshold(np.array([0.1, 0.2, 0.3, 0.9]), np.ones(4), alert_rate=0.25), 6)
    0.6
    """
    cuts = Cuts.of(p_positive)
    return cuts.best(-np.abs(cuts.positive(sample_weight) / sample_weight.sum() - alert_rate))


def labels_at(proba: np.ndarray, threshold: float) -> np.ndarray:
    """Turn probabilities of two classes, shape (..., 2), into labels in the same shape: 1 for the label, else 0.

    Examples
    --------
    >>> labels_at(np.array([[0.7, 0.3], [0.9, 0.1]]), 0.2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    labels: np.ndarray = np.eye(2)[(proba[..., 1] >= threshold).astype(int)]
    return labels


def cross_fitted_labels(
    best_threshold: BestThreshold,
    y_true: np.ndarray,
    proba: np.ndarray,
    folds: np.ndarray,
    sample_weight: np.ndarray,
) -> np.ndarray:
    """Predict labels of each fold with the threshold tuned on the other folds.

    Parameters
    ----------
    best_threshold : callable
        Of a metric, for example :func:`best_f1_threshold`.
    y_true : ndarray of shape (n_rows,), or (n_rows, 2) for costs
    proba : ndarray of shape (n_rows, 2)
        Out-of-fold probabilities.
    folds : ndarray of shape (n_rows,)
        Fold of each row, of one repeat.
    sample_weight : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_rows, 2)
        From :func:`labels_at`. With a single fold the threshold is 0.5.

    Examples
    --------
    >>> folds, proba = np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.7, 0.3], [0.9, 0.1], [0.6, 0.4]])
    >>> labels = cross_fitted_labels(best_f1_threshold, np.array([0, 1, 0, 1]), proba, folds, np.ones(4))
    >>> labels.argmax(axis=1).tolist()
    [0, 1, 0, 1]
    """
    labels = np.empty(proba.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        threshold = DEFAULT_THRESHOLD
        if not inside.all():
            threshold = best_threshold(y_true[~inside], proba[~inside, 1], sample_weight[~inside])
        labels[inside] = labels_at(proba[inside], threshold)
    return labels

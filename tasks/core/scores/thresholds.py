"""Decision threshold of the positive class, tuned on other rows than it is scored on."""

from __future__ import annotations

import numpy as np

DEFAULT_THRESHOLD = 0.5


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
    candidates, bins = np.unique(p_positive, return_inverse=True)
    found = _sum_from(bins, weights * is_positive)
    predicted = _sum_from(bins, weights)
    scores = 2 * found / np.maximum(predicted + weights[is_positive].sum(), np.finfo(float).tiny)
    midway = candidates - np.diff(candidates, prepend=0.0) / 2
    best = np.flatnonzero(scores >= scores.max() * (1 - 1e-12))
    return float(midway[best[np.argmin(np.abs(midway[best] - DEFAULT_THRESHOLD))]])


def _sum_from(bins: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Sum the amounts of each bin and all later ones."""
    return np.bincount(bins, amounts)[::-1].cumsum()[::-1]


def cross_fitted_labels(
    y_true: np.ndarray,
    p_positive: np.ndarray,
    folds: np.ndarray,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Predict labels of each fold with the threshold tuned on the other folds.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    p_positive : ndarray of shape (n_rows,)
        Out-of-fold probabilities of the positive class.
    folds : ndarray of shape (n_rows,)
        Fold of each row, of one repeat.
    sample_weight : ndarray of shape (n_rows,), optional

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True for rows predicted positive. With a single fold the threshold is 0.5.

    Examples
    --------
    >>> folds = np.array([0, 0, 1, 1])
    >>> cross_fitted_labels(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.1, 0.4]), folds).tolist()
    [False, True, False, True]
    """
    weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
    labels = np.zeros(len(y_true), dtype=bool)
    for fold in np.unique(folds):
        inside = folds == fold
        threshold = best_f1_threshold(y_true[~inside], p_positive[~inside], weights[~inside])
        labels[inside] = p_positive[inside] >= threshold
    return labels

"""Metrics that are no mean over rows, under many weightings of the rows at once.

Metric plug-ins offer these as ``MetricSpec.compute_draws``: `weights` is (n_draws, n_rows) and
the scores are (n_draws,). Rows are sorted once instead of once per draw, which makes a bootstrap
some hundred times faster than calling ``compute`` for each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Bins of the stated probability, for the calibration error.
N_BINS = 10
# Weights of positive and of other rows at each step of the ranking, best first -> score per draw.
RankingScore = Callable[[np.ndarray, np.ndarray], np.ndarray]


def roc_auc_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve; NaN where a draw lacks a class."""
    return _macro_ranking(_area, y_true, y_pred, weights)


def average_precision_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision; NaN where a draw lacks a class."""
    return _macro_ranking(_precision_area, y_true, y_pred, weights)


def f1_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of the most probable class: of the positive class, or averaged over classes present."""
    hits, truth, said = _confusion(y_true, y_pred, weights)
    scores = _share(2 * hits, truth + said)
    chosen = scores[:, 1] if y_pred.shape[1] == 2 else _mean_of_present(scores, truth)
    return np.where((truth > 0).sum(axis=1) < 2, np.nan, chosen)


def balanced_accuracy_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Recall averaged over the classes present; NaN with fewer than two."""
    hits, truth, _ = _confusion(y_true, y_pred, weights)
    scores = _mean_of_present(_share(hits, truth), truth)
    return np.where((truth > 0).sum(axis=1) < 2, np.nan, scores)


def r2_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """R squared; NaN where the truth of a draw does not vary."""
    total = weights.sum(axis=1)
    centre = y_true.mean()
    mean = _share(weights @ (y_true - centre), total)
    variation = weights @ (y_true - centre) ** 2 - total * mean**2
    error = weights @ (y_true - y_pred) ** 2
    tiny = 1e-12 * np.maximum(weights @ (y_true - centre) ** 2, np.finfo(float).tiny)
    return np.divide(variation - error, variation, out=np.full(len(total), np.nan), where=variation > tiny)


def calibration_error_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Expected calibration error over ten equally wide bins; NaN where nothing was drawn."""
    rows = np.arange(len(y_true))
    judged = np.ones(len(y_true), dtype=int) if y_pred.shape[1] == 2 else y_pred.argmax(axis=1)
    stated = y_pred[rows, judged]
    gaps = np.zeros((len(y_true), N_BINS))
    gaps[rows, np.minimum((stated * N_BINS).astype(int), N_BINS - 1)] = stated - (y_true == judged)
    total = weights.sum(axis=1)
    missed = np.abs(weights @ gaps).sum(axis=1)
    return np.divide(missed, total, out=np.full(len(total), np.nan), where=total > 0)


def _macro_ranking(
    score: RankingScore, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Score of the positive class, or the mean over each class against the rest."""
    codes = [1] if y_pred.shape[1] == 2 else range(y_pred.shape[1])
    return np.mean([_rank(score, y_true == code, y_pred[:, code], weights) for code in codes], axis=0)


def _rank(score: RankingScore, is_class: np.ndarray, proba: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sort once by falling probability, then score all draws; rows of equal probability are one step."""
    order = np.argsort(-proba, kind="stable")
    starts = np.flatnonzero(np.diff(proba[order], prepend=np.inf) != 0)
    drawn = weights[:, order]
    positive, negative = drawn * is_class[order], drawn * ~is_class[order]
    if len(starts) < len(order):
        positive, negative = (np.add.reduceat(each, starts, axis=1) for each in (positive, negative))
    has_both = (positive.sum(axis=1) > 0) & (negative.sum(axis=1) > 0)
    scores = np.full(len(weights), np.nan)
    scores[has_both] = score(positive[has_both], negative[has_both])
    return scores


def _area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    height = positive.cumsum(axis=1) - positive / 2
    return np.einsum("bn,bn->b", negative, height) / (positive.sum(axis=1) * negative.sum(axis=1))


def _precision_area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    found = positive.cumsum(axis=1)
    precision = _share(found, found + negative.cumsum(axis=1))
    return np.einsum("bn,bn->b", positive, precision) / positive.sum(axis=1)


def _confusion(
    y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of hits, of true rows and of predicted rows, each (n_draws, n_classes)."""
    identity = np.eye(y_pred.shape[1])
    truth, said = identity[y_true], identity[y_pred.argmax(axis=1)]
    return weights @ (truth * said), weights @ truth, weights @ said


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, 0 where `whole` is 0."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)


def _mean_of_present(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return _share((scores * (truth > 0)).sum(axis=1), (truth > 0).sum(axis=1).astype(float))

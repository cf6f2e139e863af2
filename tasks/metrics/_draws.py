"""Bootstrap scores of metrics that are no mean over rows, for many weightings of the rows at once.

Metric plug-ins offer these as ``MetricSpec.compute_draws``: `weights` is (n_draws, n_rows) and
the scores are (n_draws,). Rows are sorted once instead of once per draw, which makes a bootstrap
some hundred times faster than calling ``compute`` for each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Weights of positive and of other rows at each step of the ranking, best first -> score per draw.
RankingScore = Callable[[np.ndarray, np.ndarray], np.ndarray]


def macro_ranking(
    score: RankingScore, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Score the positive class of two, or average over each class against the rest."""
    codes = [1] if y_pred.shape[1] == 2 else range(y_pred.shape[1])
    return np.mean([rank(score, y_true == code, y_pred[:, code], weights) for code in codes], axis=0)


def rank(score: RankingScore, is_class: np.ndarray, proba: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rank rows once by falling probability, then score all draws; equal probabilities are one step."""
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


def confusion(
    y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the weights of hits, of true and of predicted rows, each of shape (n_draws, n_classes)."""
    identity = np.eye(y_pred.shape[1])
    truth, predicted = identity[y_true], identity[y_pred.argmax(axis=1)]
    return weights @ (truth * predicted), weights @ truth, weights @ predicted


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return `part / whole`, 0 where `whole` is 0."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)


def mean_of_present(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Average the scores of the classes that occur in a draw; both arrays are (n_draws, n_classes)."""
    return share((scores * (truth > 0)).sum(axis=1), (truth > 0).sum(axis=1).astype(float))

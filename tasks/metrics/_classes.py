"""Classes that occur in the truth: a score that compares two of them is undefined with one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Scores one class against the rest: (is_class, proba_of_class, sample_weight) -> score.
BinaryScore = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


def has_weight(sample_weight: np.ndarray | None, n_rows: int) -> bool:
    """Return whether any row has weight, so that an average exists."""
    return n_rows > 0 and (sample_weight is None or float(np.sum(sample_weight)) > 0)


def classes_present(y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
    """Return the sorted codes of the classes that rows of positive weight have."""
    return np.unique(y_true if sample_weight is None else y_true[sample_weight > 0])


def unit_costs(y_true: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the cost of each decision where every wrong one costs 1, shape (n_rows, n_classes)."""
    costs: np.ndarray = 1 - np.eye(n_classes)[y_true]
    return costs


def macro_one_vs_rest(score: BinaryScore) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Make ``compute(y_true, y_pred, sample_weight)`` from a score of one class against the rest.

    Parameters
    ----------
    score : callable
        ``score(is_class, proba_of_class, sample_weight)``.

    Returns
    -------
    callable
        Scores the positive class of two, or averages over each class against the rest. Returns
        NaN unless every class occurs: an average over other classes is not comparable.
    """

    def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        n_classes = y_pred.shape[1]
        if len(classes_present(y_true, sample_weight)) < n_classes:
            return float("nan")
        codes = [1] if n_classes == 2 else range(n_classes)
        return float(np.mean([score(y_true == code, y_pred[:, code], sample_weight) for code in codes]))

    return compute

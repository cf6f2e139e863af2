"""Balanced accuracy: recall averaged over classes; 1 / n_classes is chance."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._classes import classes_present
from realmix.tasks.metrics._draws import confusion, mean_of_present, share


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Average the recall of the classes that occur; NaN with fewer than two.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    y_pred : ndarray of shape (n_rows, n_classes)
        Class probabilities; the most probable class is the prediction.
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    float
        In [0, 1], or NaN.

    Examples
    --------
    >>> compute(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), None)
    0.75
    """
    from sklearn.metrics import recall_score

    present = classes_present(y_true, sample_weight)
    if len(present) < 2:
        return float("nan")
    predicted = y_pred.argmax(axis=1)
    return float(
        recall_score(y_true, predicted, labels=present, average="macro", sample_weight=sample_weight)
    )


def balanced_accuracy_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where a draw has fewer than two classes."""
    hits, truth, _ = confusion(y_true, y_pred, weights)
    scores = mean_of_present(share(hits, truth), truth)
    return np.where((truth > 0).sum(axis=1) < 2, np.nan, scores)


SPEC = MetricSpec(
    name="balanced_accuracy",
    compute=compute,
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    compute_draws=balanced_accuracy_draws,
)

"""F1: harmonic mean of precision and recall; 1 is perfect, 0 finds no positive row.

Of the positive class for two classes, otherwise averaged over the classes that occur.
"""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.thresholds import best_f1_threshold
from realmix.tasks.metrics._classes import classes_present
from realmix.tasks.metrics._draws import confusion, mean_of_present, share


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Score the most probable class of each row.

    A study hands in labels of two classes as 0 and 1, made with a threshold that was tuned on other
    rows (:func:`realmix.tasks.core.scores.out_of_fold.with_tuned_labels`): see `tuned_threshold`.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    y_pred : ndarray of shape (n_rows, n_classes)
        Class probabilities; the most probable class is the prediction.
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    float
        In [0, 1]; NaN where the truth has fewer than two classes.

    Examples
    --------
    >>> compute(np.array([0, 1, 1]), np.array([[0.4, 0.6], [0.2, 0.8], [0.2, 0.8]]), None)
    0.8
    """
    from sklearn.metrics import f1_score

    present = classes_present(y_true, sample_weight)
    if len(present) < 2:
        return float("nan")
    labels = np.array([1]) if y_pred.shape[1] == 2 else present
    predicted = y_pred.argmax(axis=1)
    return float(f1_score(y_true, predicted, labels=labels, average="macro", sample_weight=sample_weight))


def f1_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where a draw has fewer than two classes."""
    hits, truth, predicted = confusion(y_true, y_pred, weights)
    scores = share(2 * hits, truth + predicted)
    chosen = scores[:, 1] if y_pred.shape[1] == 2 else mean_of_present(scores, truth)
    return np.where((truth > 0).sum(axis=1) < 2, np.nan, chosen)


SPEC = MetricSpec(
    name="f1",
    compute=compute,
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    best_threshold=best_f1_threshold,
    tuned_threshold=True,
    compute_draws=f1_draws,
)

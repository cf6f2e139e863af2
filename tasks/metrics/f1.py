"""F1: harmonic mean of precision and recall, of the positive class or averaged over classes."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._classes import classes_present
from realmix.tasks.metrics._draws import f1_draws


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Score the most probable class.

    In comparisons of two-class arms `y_pred` holds labels, made with thresholds tuned on other
    folds (:func:`realmix.tasks.core.scores.out_of_fold.with_tuned_labels`).

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    y_pred : ndarray of shape (n_rows, n_classes)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    float
        In [0, 1]: of the positive class for two classes, else the mean over the classes
        present. NaN where the truth holds fewer than two classes.

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


SPEC = MetricSpec(
    name="f1",
    compute=compute,
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    compute_draws=f1_draws,
)

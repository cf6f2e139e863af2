"""Brier score: mean squared error of the probabilities; 0 is perfect, 1 is certain and always wrong."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._row_losses import mean_of


def row_loss(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return half the squared distance to the true class: for two classes (p - y) squared.

    Examples
    --------
    >>> row_loss(np.array([1]), np.array([[0.5, 0.5]])).tolist()
    [0.25]

    References
    ----------
    scikit-learn's ``brier_score_loss(scale_by_half=True)``.
    """
    return ((y_pred - np.eye(y_pred.shape[1])[y_true]) ** 2).sum(axis=1) / 2


SPEC = MetricSpec(
    name="brier",
    compute=mean_of(row_loss),
    greater_is_better=False,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.005,
    margin_is_relative=True,
    row_loss=row_loss,
)

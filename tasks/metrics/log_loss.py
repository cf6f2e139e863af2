"""Log-loss: 0 is perfect; what the class prior scores is the loss of a model that knows no feature."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._row_losses import mean_of


def row_loss(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return minus the log of the true class's probability, clipped as scikit-learn does.

    Examples
    --------
    >>> row_loss(np.array([1]), np.array([[0.5, 0.5]])).round(3).tolist()
    [0.693]
    """
    proba = y_pred[np.arange(len(y_true)), y_true]
    return -np.log(np.clip(proba, np.finfo(float).eps, 1.0))


SPEC = MetricSpec(
    name="log_loss",
    compute=mean_of(row_loss),
    greater_is_better=False,
    bounds=(0.0, float("inf")),
    tasks=("binary", "multiclass"),
    margin=0.005,
    margin_is_relative=True,
    row_loss=row_loss,
)

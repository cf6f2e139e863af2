"""Mean absolute error: the average error, in the target's unit; 0 is perfect."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._row_losses import mean_of


def row_loss(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return the absolute error of each row.

    Examples
    --------
    >>> row_loss(np.array([3.0]), np.array([1.0])).tolist()
    [2.0]
    """
    return np.abs(y_true - y_pred)


SPEC = MetricSpec(
    name="mae",
    compute=mean_of(row_loss),
    greater_is_better=False,
    bounds=(0.0, float("inf")),
    tasks=("regression",),
    margin=0.005,
    margin_is_relative=True,
    row_loss=row_loss,
)

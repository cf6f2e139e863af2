"""Root mean squared error: in the target's unit, large errors weigh most; 0 is perfect."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._row_losses import mean_of


def row_loss(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return the squared error of each row.

    Examples
    --------
    >>> row_loss(np.array([3.0]), np.array([1.0])).tolist()
    [4.0]
    """
    return (y_true - y_pred) ** 2


SPEC = MetricSpec(
    name="rmse",
    compute=mean_of(row_loss, np.sqrt),
    greater_is_better=False,
    bounds=(0.0, float("inf")),
    tasks=("regression",),
    margin=0.005,
    margin_is_relative=True,
    row_loss=row_loss,
    from_mean_loss=np.sqrt,
)

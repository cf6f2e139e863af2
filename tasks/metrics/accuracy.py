"""Accuracy: share of rows whose most probable class is the true one; the largest class's share is chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._row_losses import mean_of


def row_loss(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return 1 where the most probable class is wrong, else 0.

    Examples
    --------
    >>> row_loss(np.array([1, 1]), np.array([[0.4, 0.6], [0.6, 0.4]])).tolist()
    [0.0, 1.0]
    """
    return (y_pred.argmax(axis=1) != y_true).astype(float)


def from_error_rate(error_rate: Any) -> Any:
    """Turn the share of wrong rows into the share of right ones."""
    return 1 - error_rate


SPEC = MetricSpec(
    name="accuracy",
    compute=mean_of(row_loss, from_error_rate),
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    row_loss=row_loss,
    from_mean_loss=from_error_rate,
)

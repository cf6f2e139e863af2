"""Metrics that are a mean over rows: one definition for the score and for its bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from realmix.tasks.metrics._classes import has_weight

RowLoss = Callable[[np.ndarray, np.ndarray], np.ndarray]


def identity(loss: Any) -> Any:
    """Return the mean loss itself: it is the score."""
    return loss


def mean_of(
    row_loss: RowLoss, from_mean_loss: Callable[[Any], Any] = identity
) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Make ``compute(y_true, y_pred, sample_weight)`` from a loss per row.

    Parameters
    ----------
    row_loss : callable
        ``row_loss(y_true, y_pred)`` of shape (n_rows,), lower is better.
    from_mean_loss : callable
        Turns the weighted mean into the score.

    Returns
    -------
    callable
        Returns NaN where no row has weight.
    """

    def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        if not has_weight(sample_weight, len(y_true)):
            return float("nan")
        return float(from_mean_loss(np.average(row_loss(y_true, y_pred), weights=sample_weight)))

    return compute

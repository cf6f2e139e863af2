"""Expected calibration error: how far stated probabilities are from what happened; 0 is honest."""

from __future__ import annotations

import numpy as np

from tasks.core.plugins import MetricSpec
from tasks.metrics._classes import has_weight

N_BINS = 10


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Average |stated - observed| over ten equally wide bins of the stated probability.

    Stated is the positive class's probability for two classes, else that of the most
    probable class. Small samples read a few points too high: compare arms on the same rows.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    y_pred : ndarray of shape (n_rows, n_classes)
    sample_weight : ndarray of shape (n_rows,) or None

    References
    ----------
    Guo et al. 2017, https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> round(compute(np.array([1, 1]), np.array([[0.3, 0.7], [0.3, 0.7]]), None), 6)
    0.3
    """
    if not has_weight(sample_weight, len(y_true)):
        return float("nan")
    weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
    judged = np.ones(len(y_true), dtype=int) if y_pred.shape[1] == 2 else y_pred.argmax(axis=1)
    stated = y_pred[np.arange(len(y_true)), judged]
    gaps = weights * (stated - (y_true == judged))
    bins = np.minimum((stated * N_BINS).astype(int), N_BINS - 1)
    return float(np.abs(np.bincount(bins, gaps, N_BINS)).sum() / weights.sum())


SPEC = MetricSpec(
    name="calibration_error",
    compute=compute,
    greater_is_better=False,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
)

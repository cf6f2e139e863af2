"""Expected calibration error: gap between predicted probability and observed frequency; 0 is calibrated."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec

# Equally wide bins of the predicted probability.
N_BINS = 10


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Average |predicted - observed| over ten equally wide bins of the predicted probability.

    Predicted is the positive class's probability for two classes, else that of the most
    probable class. Small samples give a few points too much: compare models on the same rows only.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    y_pred : ndarray of shape (n_rows, n_classes)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    float
        In [0, 1]; NaN where no row has weight.

    References
    ----------
    Guo et al. 2017, https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> round(compute(np.array([1, 1]), np.array([[0.3, 0.7], [0.3, 0.7]]), None), 6)
    0.3
    """
    weights = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    return float(calibration_error_draws(y_true, y_pred, weights[None, :])[0])


def calibration_error_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where a draw has no row."""
    rows = np.arange(len(y_true))
    predicted = np.ones(len(y_true), dtype=int) if y_pred.shape[1] == 2 else y_pred.argmax(axis=1)
    proba = y_pred[rows, predicted]
    gaps = np.zeros((len(y_true), N_BINS))
    gaps[rows, np.minimum((proba * N_BINS).astype(int), N_BINS - 1)] = proba - (y_true == predicted)
    total = weights.sum(axis=1)
    gap = np.abs(weights @ gaps).sum(axis=1)
    return np.divide(gap, total, out=np.full(len(total), np.nan), where=total > 0)


SPEC = MetricSpec(
    name="calibration_error",
    compute=compute,
    greater_is_better=False,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    compute_draws=calibration_error_draws,
)

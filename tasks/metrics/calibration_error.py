"""Expected calibration error: how far stated probabilities are from what happened; 0 is honest."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._draws import calibration_error_draws


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
    weights = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    return float(calibration_error_draws(y_true, y_pred, weights[None, :])[0])


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

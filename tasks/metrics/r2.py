"""R squared: share of the target's variance explained; 0 is as good as the mean, below 0 is worse."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._classes import has_weight
from realmix.tasks.metrics._draws import share


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Compare the squared error with the variance of the truth; NaN where the truth does not vary.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    float
        At most 1, or NaN.

    Examples
    --------
    >>> compute(np.array([1.0, 3.0]), np.array([2.0, 2.0]), None)
    0.0
    """
    from sklearn.metrics import r2_score

    if not has_weight(sample_weight, len(y_true)):
        return float("nan")
    weighted = y_true if sample_weight is None else y_true[sample_weight > 0]
    if np.ptp(weighted) == 0:
        return float("nan")
    return float(r2_score(y_true, y_pred, sample_weight=sample_weight))


def r2_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where the truth of a draw does not vary."""
    total = weights.sum(axis=1)
    centre = y_true.mean()
    mean = share(weights @ (y_true - centre), total)
    variation = weights @ (y_true - centre) ** 2 - total * mean**2
    error = weights @ (y_true - y_pred) ** 2
    tiny = 1e-12 * np.maximum(weights @ (y_true - centre) ** 2, np.finfo(float).tiny)
    return np.divide(variation - error, variation, out=np.full(len(total), np.nan), where=variation > tiny)


SPEC = MetricSpec(
    name="r2",
    compute=compute,
    greater_is_better=True,
    bounds=(float("-inf"), 1.0),
    tasks=("regression",),
    margin=0.003,
    margin_is_relative=False,
    compute_draws=r2_draws,
)

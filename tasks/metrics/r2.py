"""R squared: share of the target's variance explained; 0 is the mean, below 0 worse than it."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._classes import has_weight
from realmix.tasks.metrics._draws import r2_draws


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Score numbers against the truth; NaN where the truth does not vary.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

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

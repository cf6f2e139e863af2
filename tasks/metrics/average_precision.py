"""Average precision: precision averaged over the positive rows; the share of positives is chance."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._classes import macro_one_vs_rest
from realmix.tasks.metrics._draws import macro_ranking, share


def score(is_class: np.ndarray, proba: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Score one class against the rest.

    Parameters
    ----------
    is_class : ndarray of bool, shape (n_rows,)
        Contains both values.
    proba : ndarray of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> score(np.array([False, True]), np.array([0.2, 0.6]), None)
    1.0
    """
    from sklearn.metrics import average_precision_score

    # Rounding lifts some perfect rankings to 1 + 2e-16.
    return min(float(average_precision_score(is_class, proba, sample_weight=sample_weight)), 1.0)


def average_precision_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where a draw lacks a class."""
    return macro_ranking(_precision_area, y_true, y_pred, weights)


def _precision_area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    found = positive.cumsum(axis=1)
    precision = share(found, found + negative.cumsum(axis=1))
    return np.einsum("bn,bn->b", positive, precision) / positive.sum(axis=1)


SPEC = MetricSpec(
    name="average_precision",
    compute=macro_one_vs_rest(score),
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    compute_draws=average_precision_draws,
)

"""Area under the ROC curve: how often a positive row ranks above a negative one; 0.5 is chance."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._classes import macro_one_vs_rest
from realmix.tasks.metrics._draws import macro_ranking


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
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_class, proba, sample_weight=sample_weight))


def roc_auc_draws(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where a draw lacks a class."""
    return macro_ranking(_area, y_true, y_pred, weights)


def _area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    height = positive.cumsum(axis=1) - positive / 2
    return np.einsum("bn,bn->b", negative, height) / (positive.sum(axis=1) * negative.sum(axis=1))


SPEC = MetricSpec(
    name="roc_auc",
    compute=macro_one_vs_rest(score),
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary", "multiclass"),
    margin=0.003,
    margin_is_relative=False,
    compute_draws=roc_auc_draws,
)

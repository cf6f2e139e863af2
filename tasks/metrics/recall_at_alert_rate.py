"""Recall at an alert rate: share of the positive rows among as many of the riskiest as people can look at.

The card says which share of the rows that is (`alert_rate`). A model that knows nothing reaches the rate itself;
where more rows are positive than can be looked at, even a perfect one stays below 1.
"""

from __future__ import annotations

import functools

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.thresholds import alert_threshold
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.metrics._draws import rank, share

USUAL_RATE = 0.05


def recall_draws(
    y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray, *, alert_rate: float
) -> np.ndarray:
    """Score many weightings of the rows at once; NaN where a draw lacks a class.

    Of rows with equal probabilities at the border the same share of each is looked at.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_rows,)
    y_pred : ndarray of shape (n_rows, 2)
    weights : ndarray of shape (n_draws, n_rows)
    alert_rate : float
        Share of the rows, in (0, 1).

    Returns
    -------
    ndarray of shape (n_draws,)
        In [0, 1].

    References
    ----------
    Le Borgne et al. 2022, Reproducible machine learning for credit card fraud detection, chapter 4.5 (top-k
    metrics), https://fraud-detection-handbook.github.io

    Examples
    --------
    >>> y_true, p = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    >>> recall_draws(y_true, np.column_stack([1 - p, p]), np.ones((1, 4)), alert_rate=0.5).tolist()
    [0.5]
    """
    found = functools.partial(_found, alert_rate=alert_rate)
    return rank(found, y_true == 1, y_pred[:, 1], weights)


def _found(positive: np.ndarray, negative: np.ndarray, *, alert_rate: float) -> np.ndarray:
    rows = positive + negative
    before = rows.cumsum(axis=1) - rows
    looked_at = np.clip(alert_rate * rows.sum(axis=1, keepdims=True) - before, 0, rows)
    found: np.ndarray = (positive * share(looked_at, rows)).sum(axis=1) / positive.sum(axis=1)
    return found


def recall_at(alert_rate: float) -> MetricSpec:
    """Make the metric of one rate."""
    draws = functools.partial(recall_draws, alert_rate=alert_rate)

    def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        weights = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        return float(draws(y_true, y_pred, weights[None])[0])

    def best_threshold(y_true: np.ndarray, p_positive: np.ndarray, sample_weight: np.ndarray) -> float:
        return alert_threshold(p_positive, sample_weight, alert_rate=alert_rate)

    return MetricSpec(
        name="recall_at_alert_rate",
        compute=compute,
        greater_is_better=True,
        bounds=(0.0, 1.0),
        tasks=("binary",),
        margin=0.003,
        margin_is_relative=False,
        compute_draws=draws,
        best_threshold=best_threshold,
        needs="alert_rate",
        for_card=for_card,
    )


def for_card(card: DataCard) -> MetricSpec:
    """Make the metric of a card's rate."""
    assert card.alert_rate is not None
    return recall_at(card.alert_rate)


SPEC = recall_at(USUAL_RATE)

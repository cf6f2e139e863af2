"""Specificity: share of the negative rows that are predicted negative."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec


def compute(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Return the accuracy on the rows of the first class."""
    negative = y_true == 0
    if not negative.any():
        return float("nan")
    weight = None if sample_weight is None else sample_weight[negative]
    return float(np.average(y_pred[negative].argmax(axis=1) == 0, weights=weight))


SPEC = MetricSpec(
    name="specificity",
    compute=compute,
    greater_is_better=True,
    bounds=(0.0, 1.0),
    tasks=("binary",),
    margin=0.003,
    margin_is_relative=False,
)

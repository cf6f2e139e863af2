"""Truth, predictions and weights that the tests of metrics share."""

from __future__ import annotations

import numpy as np


def predictions(
    task: str, random_state: int = 0, n_rows: int = 60
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, predictions that know some of it, and weights."""
    random = np.random.default_rng(random_state)
    weight = random.uniform(0.5, 2, n_rows)
    if task == "regression":
        y_true = random.normal(5, 2, n_rows)
        return y_true, y_true + random.normal(0, 1, n_rows), weight
    n_classes = 2 if task == "binary" else 3
    y_true = np.concatenate([np.arange(n_classes), random.integers(0, n_classes, n_rows - n_classes)])
    scores = np.exp(random.normal(0, 1, (n_rows, n_classes)) + 0.8 * np.eye(n_classes)[y_true])
    return y_true, scores / scores.sum(axis=1, keepdims=True), weight

"""Try a metric from outside on made-up rows, before a study relies on it."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.schema import Task
from realmix.tasks.metrics._classes import unit_costs

# Truth and predictions of each task: four rows are right, two are wrong.
SAMPLES: dict[Task, tuple[np.ndarray, np.ndarray]] = {
    "binary": (np.array([0, 1, 0, 1, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]] * 2 + [[0.3, 0.7]] * 2)),
    "multiclass": (
        np.array([0, 1, 2, 0, 1, 2]),
        np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]] * 2),
    ),
    "regression": (np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]), np.array([0.1, 0.9, 2.2, 0.0, 1.5, 1.0])),
}


def check_computable(spec: MetricSpec) -> None:
    """Refuse a metric that raises an error, or gives no number, on six made-up rows.

    Raises
    ------
    BadInput
        If it does.
    """
    if spec.tuned_threshold and spec.best_threshold is None:
        raise BadInput(
            f"The metric '{spec.name}' has `tuned_threshold` but no `best_threshold` that tunes it. Add one, for "
            "example realmix.tasks.core.scores.thresholds:best_f1_threshold."
        )
    for task in spec.tasks:
        y_true, y_pred = SAMPLES[task]
        n_rows = len(y_true)
        y_true = unit_costs(y_true, y_pred.shape[1]) if spec.scores_costs else y_true
        for sample_weight in (None, np.ones(n_rows)):
            try:
                score = float(spec.compute(y_true, y_pred, sample_weight))
                if spec.row_loss is not None and np.shape(spec.row_loss(y_true, y_pred)) != (n_rows,):
                    raise ValueError("row_loss gives no number per row")
                if spec.compute_draws is not None:
                    drawn = spec.compute_draws(y_true, y_pred, np.ones((2, n_rows)))
                    if not np.allclose(np.asarray(drawn, dtype=float).reshape(2), score, equal_nan=True):
                        raise ValueError("compute_draws gives another score than compute")
            except Exception as err:  # whatever a metric raises that is not ours
                weights = "weights of 1" if sample_weight is not None else "no weights"
                raise BadInput(
                    f"The metric '{spec.name}' failed on six made-up rows ({task}, {weights}): "
                    f"{type(err).__name__}: {err}. Correct it."
                ) from err

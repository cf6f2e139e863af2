"""Try a metric from outside on made-up rows, before a study relies on it."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.schema import Task

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
    for task in spec.tasks:
        y_true, y_pred = SAMPLES[task]
        for sample_weight in (None, np.ones(len(y_true))):
            try:
                float(spec.compute(y_true, y_pred, sample_weight))
                if spec.row_loss is not None and np.shape(spec.row_loss(y_true, y_pred)) != y_true.shape:
                    raise ValueError("row_loss gives no number per row")
                if spec.compute_draws is not None:
                    np.asarray(
                        spec.compute_draws(y_true, y_pred, np.ones((2, len(y_true)))), dtype=float
                    ).reshape(2)
            except Exception as err:  # whatever a metric raises that is not ours
                weights = "weights of 1" if sample_weight is not None else "no weights"
                raise BadInput(
                    f"The metric '{spec.name}' failed on six made-up rows ({task}, {weights}): "
                    f"{type(err).__name__}: {err}. Correct it."
                ) from err

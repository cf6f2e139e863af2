"""Multi-layer perceptron: a smooth learner that finds interactions by itself."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import Footprint, ModelSpec
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import _serving
from realmix.tasks.models._preprocessing import learn_dense
from realmix.tasks.models._serving import Spec, State, as_probabilities, encode_dense
from realmix.tasks.models._soft_targets import expand_classes, standardise

BATCH_ROWS = 64
# Steps of the optimiser, whatever the number of rows; at least so many passes over all of them.
N_STEPS, MIN_PASSES = 1500, 5
# Hidden units by layer, L2 penalty and step size.
COMBINATIONS: tuple[tuple[tuple[int, ...], float, float], ...] = (
    ((32,), 1.0, 3e-3), ((32,), 10.0, 3e-3), ((16,), 1.0, 1e-3), ((64,), 3.0, 1e-3),
    ((32, 16), 3.0, 1e-3), ((16,), 30.0, 3e-3), ((64, 32), 10.0, 1e-3), ((8,), 1.0, 3e-3)
)  # fmt: skip


class MLP:
    """Layers of rectified units by scikit-learn, on one-hot categories and standardised numbers.

    Parameters
    ----------
    hidden : list of int
        Units of each hidden layer.
    alpha : float
        L2 penalty, >= 0; it is divided by the number of rows.
    step_size : float
        Of Adam, > 0.
    random_state : int
    """

    def __init__(self, *, hidden: list[int], alpha: float, step_size: float, random_state: int) -> None:
        self.hidden, self.alpha, self.step_size = hidden, alpha, step_size
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> MLP:
        """Learn from soft targets: see :class:`realmix.tasks.core.contracts.specs.Model`."""
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        spec: dict[str, Any] = {"kind": SPEC.name, **learn_dense(X.loc[sample_weight > 0])}
        encoded = encode_dense(X, spec)
        if y_proba.ndim == 1:
            target, scale = standardise(y_proba, sample_weight)
            spec |= {"n_classes": 0, "target_mean": scale.mean, "target_scale": scale.scale}
            learner = MLPRegressor
        else:
            target = expand_classes(y_proba, sample_weight)
            spec |= {"n_classes": y_proba.shape[1], "seen_classes": np.unique(target.y).tolist()}
            learner = MLPClassifier
        self.spec_, self.state_ = spec, {}
        if spec["n_classes"] and len(spec["seen_classes"]) == 1:
            return self
        n_passes = max(MIN_PASSES, math.ceil(N_STEPS * BATCH_ROWS / len(target.y)))
        network = learner(
            hidden_layer_sizes=self.hidden,
            alpha=self.alpha,
            learning_rate_init=self.step_size,
            batch_size=min(BATCH_ROWS, len(target.y)),
            max_iter=n_passes,
            n_iter_no_change=n_passes,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            # The number of steps is a setting; the out-of-fold loss decides whether it was enough.
            warnings.filterwarnings("ignore", message="Stochastic Optimizer")
            mean_weight = target.sample_weight.mean()
            network.fit(encoded[target.rows], target.y, sample_weight=target.sample_weight / mean_weight)
        self.state_ = {f"weights_{i}": each for i, each in enumerate(network.coefs_)}
        self.state_ |= {f"biases_{i}": each for i, each in enumerate(network.intercepts_)}
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities of shape (n_rows, n_classes), or numbers of shape (n_rows,)."""
        return _serving.predict(serve, X, self.spec_, self.state_)

    def export(self, folder: Path) -> dict[str, Any]:
        """Write the weights to ``weights.npz`` and return the spec."""
        np.savez(folder / "weights.npz", allow_pickle=False, **self.state_)
        return self.spec_


def serve(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Predict layer by layer."""
    values = encode_dense(frame, spec)
    n_layers = len(state) // 2
    for layer in range(n_layers):
        values = values @ state[f"weights_{layer}"] + state[f"biases_{layer}"]
        if layer < n_layers - 1:
            values = np.maximum(values, 0.0)
    if not spec["n_classes"]:
        return values[:, 0] * spec["target_scale"] + spec["target_mean"]
    seen = spec["seen_classes"]
    if len(seen) == 1:
        scores = np.zeros((len(frame), 1))
    else:
        # Of two classes there is one score.
        scores = np.column_stack([np.zeros(len(frame)), values]) if len(seen) == 2 else values
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba = np.zeros((len(frame), spec["n_classes"]))
    proba[:, seen] = scores / scores.sum(axis=1, keepdims=True)
    return as_probabilities(proba)


def load_state(folder: Path, spec: Spec) -> State:
    """Read the weights; an array file holds numbers only."""
    with np.load(folder / "weights.npz", allow_pickle=False) as weights:
        return dict(weights)


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> MLP:
    """Return an unfitted model; it is trained by one thread."""
    return MLP(**params, random_state=random_state)


def search_space(trial: int, schema: Schema) -> dict[str, Any]:
    """Return the listed combinations in turn, then random draws around them."""
    if trial < len(COMBINATIONS):
        hidden, alpha, step_size = COMBINATIONS[trial]
        return {"hidden": list(hidden), "alpha": alpha, "step_size": step_size}
    random = np.random.default_rng(derive_seed("mlp", trial))
    return {
        "hidden": [int(random.integers(8, 65))],
        "alpha": float(np.exp(random.uniform(np.log(0.3), np.log(50)))),
        "step_size": float(np.exp(random.uniform(np.log(5e-4), np.log(5e-3)))),
    }


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of a fit on hard labels, measured with 200 to 10,000 rows; soft ones cost more."""
    n_steps = max(N_STEPS, MIN_PASSES * n_rows / BATCH_ROWS)
    return 0.05 + n_steps * (3e-4 + 1e-6 * n_columns)


def fit_bytes(n_rows: int, n_columns: int, n_levels: int) -> float:
    """Count dense columns of float64: once as they are, and twice for the two labels of a soft target."""
    return 24.0 * n_rows * (n_columns + n_levels)


def footprint(n_rows: int, n_columns: int, n_levels: int, n_classes: int) -> Footprint:
    """Bound what the widest layers take when they serve."""
    n_encoded = 2 * n_columns + n_levels
    megabytes = 0.03 + 3e-4 * n_columns + 4e-5 * n_levels + 8e-6 * 64 * (n_encoded + n_classes)
    return Footprint(0.6 + 0.1 * n_columns + 0.002 * n_levels, megabytes)


SPEC = ModelSpec(
    name="mlp",
    build=build,
    search_space=search_space,
    reference="https://scikit-learn.org/stable/modules/neural_networks_supervised.html",
    fit_cost=fit_cost,
    fit_bytes=fit_bytes,
    serve=serve,
    load_state=load_state,
    is_default=False,
    footprint=footprint,
)

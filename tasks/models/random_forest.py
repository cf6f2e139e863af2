"""Random forest: averaged deep trees, unlike boosting in its errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tasks.core.plugins import ModelSpec
from tasks.core.schema import Schema
from tasks.core.seeds import derive_seed
from tasks.models import _serving
from tasks.models._preprocessing import learn_codes
from tasks.models._soft_targets import expand_classes, standardise

if TYPE_CHECKING:
    from sklearn.tree._tree import Tree

N_TREES = 150
# Spread over leaf sizes first: they decide most of the log-loss. The first does well on tables
# of 300 and 1,000 rows.
COMBINATIONS: tuple[dict[str, Any], ...] = (
    {"min_samples_leaf": 4, "max_features": 0.4},
    {"min_samples_leaf": 3, "max_features": 0.6},
    {"min_samples_leaf": 6, "max_features": 0.4},
    {"min_samples_leaf": 3, "max_features": 0.25},
    {"min_samples_leaf": 4, "max_features": 0.8},
    {"min_samples_leaf": 10, "max_features": 0.5},
    {"min_samples_leaf": 6, "max_features": 0.2},
    {"min_samples_leaf": 20, "max_features": 0.7},
)


class RandomForest:
    """Bagged trees on category codes; missing values are routed in each split.

    Parameters
    ----------
    min_samples_leaf : int
        Rows in a leaf, >= 1.
    max_features : float
        Share of features tried in a split, in (0, 1].
    random_state, n_jobs : int
    """

    def __init__(self, *, min_samples_leaf: int, max_features: float, random_state: int, n_jobs: int) -> None:
        self.settings = {
            "n_estimators": N_TREES,
            "min_samples_leaf": min_samples_leaf,
            "max_features": max_features,
            "random_state": random_state,
            "n_jobs": n_jobs,
        }

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> RandomForest:
        """Learn from soft targets: see :class:`tasks.core.plugins.Model`."""
        spec = learn_codes(X.loc[sample_weight > 0])
        encoded = _serving.encode_codes(X, spec)
        fit = self._fit_regression if y_proba.ndim == 1 else self._fit_classification
        self.spec_: dict[str, Any] = {"kind": SPEC.name, **spec, **fit(encoded, y_proba, sample_weight)}
        return self

    def _fit_classification(
        self, encoded: np.ndarray, y_proba: np.ndarray, sample_weight: np.ndarray
    ) -> dict[str, Any]:
        from sklearn.ensemble import RandomForestClassifier

        target = expand_classes(y_proba, sample_weight)
        forest = RandomForestClassifier(**self.settings)
        forest.fit(encoded[target.rows], target.y, sample_weight=target.sample_weight)
        trees = [tree.tree_ for tree in forest.estimators_]
        self.state_ = {"arrays": _tree_arrays(trees, forest.classes_, y_proba.shape[1])}
        return {"n_classes": y_proba.shape[1]}

    def _fit_regression(
        self, encoded: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> dict[str, Any]:
        from sklearn.ensemble import RandomForestRegressor

        target, scale = standardise(y, sample_weight)
        forest = RandomForestRegressor(**self.settings)
        forest.fit(encoded[target.rows], target.y, sample_weight=target.sample_weight)
        trees = [tree.tree_ for tree in forest.estimators_]
        self.state_ = {"arrays": _tree_arrays(trees, np.array([0]), 1)}
        return {"n_classes": 0, "target_mean": scale.mean, "target_scale": scale.scale}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class probabilities of shape (n_rows, n_classes), or numbers of shape (n_rows,)."""
        return _serving.predict(X, self.spec_, self.state_)

    def export(self, folder: Path) -> dict[str, Any]:
        """Write the trees to ``arrays.npz`` and return the spec."""
        np.savez_compressed(folder / "arrays.npz", allow_pickle=False, **self.state_["arrays"])
        return self.spec_


def _tree_arrays(trees: list[Tree], outputs: np.ndarray, n_outputs: int) -> dict[str, np.ndarray]:
    """Lay all trees end to end; see ``_serving._mean_leaf`` for how they are walked."""
    counts = np.array([tree.node_count for tree in trees])
    roots = np.concatenate([[0], np.cumsum(counts)[:-1]])
    own = np.arange(counts.sum())
    base = np.repeat(roots, counts)
    is_leaf = np.concatenate([tree.children_left for tree in trees]) < 0
    left = np.where(is_leaf, own, np.concatenate([tree.children_left for tree in trees]) + base)
    right = np.where(is_leaf, own, np.concatenate([tree.children_right for tree in trees]) + base)
    value = np.zeros((len(own), n_outputs), dtype=np.float32)
    value[:, outputs] = np.concatenate([tree.value[:, 0, :] for tree in trees])
    return {
        "roots": roots.astype(np.int32),
        "depth": np.array(max(tree.max_depth for tree in trees), dtype=np.int32),
        "feature": np.where(is_leaf, 0, np.concatenate([tree.feature for tree in trees])).astype(np.int32),
        "threshold": _round_down(np.concatenate([tree.threshold for tree in trees])),
        "missing_left": np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool),
        "right": right.astype(np.int32),
        "left_offset": (right - left).astype(np.int32),
        "value": np.where(is_leaf[:, None], value, 0).astype(np.float32),
    }


def _round_down(thresholds: np.ndarray) -> np.ndarray:
    """Largest float32 not above each threshold: float32 values then compare as before."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> RandomForest:
    """Give an unfitted model."""
    return RandomForest(**params, random_state=random_state, n_jobs=n_jobs)


def search_space(trial: int, schema: Schema) -> dict[str, Any]:
    """Give the listed combinations in turn, then draws around them."""
    if trial < len(COMBINATIONS):
        return dict(COMBINATIONS[trial])
    random = np.random.default_rng(derive_seed("random-forest", trial))
    return {
        "min_samples_leaf": int(random.integers(3, 30)),
        "max_features": float(random.uniform(0.15, 1.0)),
    }


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Seconds of one fit on hard labels, measured with 200 to 10,000 rows; soft ones repeat rows."""
    return 0.1 + (8e-6 if n_classes else 2.2e-5) * n_rows * n_columns


SPEC = ModelSpec(
    name="random-forest",
    build=build,
    search_space=search_space,
    reference="doi:10.1023/A:1010933404324",
    fit_cost=fit_cost,
)

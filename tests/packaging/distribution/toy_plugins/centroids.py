"""Class centroids: the nearer a row lies to a class's mean, the likelier the class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import ModelSpec
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models._preprocessing import learn_dense
from realmix.tasks.models._serving import as_probabilities, encode_dense, predict


class Centroids:
    """Softmax over the distances to the weighted mean of each class."""

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> Centroids:
        """Average the encoded rows by class."""
        encoding = learn_dense(X)
        weights = y_proba * sample_weight[:, None]
        totals = weights.sum(axis=0)
        means = weights.T @ encode_dense(X, encoding) / np.maximum(totals, 1e-12)[:, None]
        self.values: dict[str, Any] = {
            **encoding, "prior": (totals / totals.sum()).tolist(), "means": means.tolist()
        }  # fmt: skip
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict class probabilities."""
        return predict(serve_centroids, X, self.values, {})

    def export(self, folder: Path) -> dict[str, Any]:
        """Return the means; there are no files."""
        return self.values


def serve_centroids(frame: pd.DataFrame, spec: Mapping[str, Any], state: Mapping[str, Any]) -> np.ndarray:
    """Predict from the means; this source goes into the shipped model."""
    encoded, means = encode_dense(frame, spec), np.asarray(spec["means"])
    squares = ((encoded[:, None, :] - means[None, :, :]) ** 2).sum(axis=2)
    scores = np.log(np.maximum(spec["prior"], 1e-12)) - 0.5 * squares
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return as_probabilities(scores / scores.sum(axis=1, keepdims=True))


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> Centroids:
    """Make an unfitted model."""
    return Centroids()


SPEC = ModelSpec(
    name="centroids",
    build=build,
    search_space=lambda trial, schema: {},
    reference="https://en.wikipedia.org/wiki/Nearest_centroid_classifier",
    fit_cost=lambda n_rows, n_columns, n_classes: 0.01,
    serve=serve_centroids,
    tasks=("binary", "multiclass"),
)

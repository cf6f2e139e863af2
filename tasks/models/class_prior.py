"""Class prior, or mean for regression: the model that knows no feature, the null of every comparison."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import NULL_MODEL, ModelSpec
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import _serving
from realmix.tasks.models._serving import Spec, State, as_probabilities


class ClassPrior:
    """Predict the weighted class shares of the training rows (their mean for regression) everywhere."""

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> ClassPrior:
        """Average the targets; `X` is not used."""
        self.spec_: dict[str, Any] = {
            "kind": SPEC.name,
            "n_classes": y_proba.shape[1] if y_proba.ndim == 2 else 0,
            "constant": np.average(y_proba, axis=0, weights=sample_weight).tolist(),
        }
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, or numbers, the same for every row."""
        return _serving.predict(serve, X, self.spec_, {})

    def export(self, folder: Path) -> dict[str, Any]:
        """Return the spec; there are no data files."""
        return self.spec_


def serve(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Return the stored average for every row."""
    if spec["n_classes"]:
        return as_probabilities(np.tile(spec["constant"], (len(frame), 1)))
    return np.full(len(frame), spec["constant"], dtype=float)


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> ClassPrior:
    """Return an unfitted model; it has no parameters."""
    return ClassPrior()


SPEC = ModelSpec(
    name=NULL_MODEL,
    build=build,
    search_space=lambda trial, schema: {},
    reference="https://scikit-learn.org/stable/modules/generated/sklearn.dummy.DummyClassifier.html",
    fit_cost=lambda n_rows, n_columns, n_classes: 0.0001,
    is_null=True,
    serve=serve,
    drop_order=None,
)

"""Class prior, or mean: the learner that knows no feature, and so the null of every comparison."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import ModelSpec
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import _serving


class ClassPrior:
    """Predicts the training rows' weighted class shares (their mean for regression) everywhere."""

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> ClassPrior:
        """Average the targets; `X` is not looked at."""
        self.spec_: dict[str, Any] = {
            "kind": SPEC.name,
            "n_classes": y_proba.shape[1] if y_proba.ndim == 2 else 0,
            "constant": np.average(y_proba, axis=0, weights=sample_weight).tolist(),
        }
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class probabilities, or numbers, the same for every row."""
        return _serving.predict(X, self.spec_, {})

    def export(self, folder: Path) -> dict[str, Any]:
        """Return the spec; there are no data files."""
        return self.spec_


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> ClassPrior:
    """Give an unfitted model; nothing about it can be tuned."""
    return ClassPrior()


SPEC = ModelSpec(
    name="class-prior",
    build=build,
    search_space=lambda trial, schema: {},
    reference="https://scikit-learn.org/stable/modules/generated/sklearn.dummy.DummyClassifier.html",
    fit_cost=lambda n_rows, n_columns, n_classes: 0.0001,
    is_null=True,
)

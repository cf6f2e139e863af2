"""Logistic regression, or ridge for numbers: the smooth model that needs the fewest rows."""

from __future__ import annotations

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
from realmix.tasks.models._preprocessing import dense_signs, learn_dense
from realmix.tasks.models._serving import Spec, State, as_probabilities, encode_dense
from realmix.tasks.models._soft_targets import expand_classes, standardise

# Inverse regularisation strengths; the first does well on tables of 200 to 5,000 rows.
STRENGTHS = (0.15, 0.5, 0.05, 0.02, 1.5, 0.25, 0.01, 5.0)
MAX_ITERATIONS = 2000


class Linear:
    """L2-regularised linear model on one-hot categories and standardised numbers.

    A number whose coefficient turns out against its direction in the schema is left out, and the rest fitted again.

    Parameters
    ----------
    signs : list of int
        1 for each increasing feature, -1 for each decreasing one, 0 for the others; in the order of the schema.
    C : float
        Inverse regularisation strength, > 0; ridge takes ``alpha = 1 / C``.
    """

    def __init__(self, signs: list[int], *, C: float) -> None:
        self.signs, self.C = signs, C

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> Linear:
        """Learn from soft targets: see :class:`realmix.tasks.core.contracts.specs.Model`."""
        spec = learn_dense(X.loc[sample_weight > 0])
        encoded = _serving.encode_dense(X, spec)
        fit = self._fit_ridge if y_proba.ndim == 1 else self._fit_logistic
        fitted, signs = fit(encoded, y_proba, sample_weight), dense_signs(self.signs, spec)
        while (wrong := np.multiply(fitted["coefficients"][-1], signs) < 0).any():
            encoded = np.where(wrong, 0.0, encoded)
            fitted = fit(encoded, y_proba, sample_weight)
        self.spec_: dict[str, Any] = {"kind": SPEC.name, **spec, **fitted}
        return self

    def _fit_ridge(self, encoded: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> dict[str, Any]:
        from sklearn.linear_model import Ridge

        target, scale = standardise(y, sample_weight)
        ridge = Ridge(alpha=1 / self.C, solver="cholesky")
        ridge.fit(encoded[target.rows], target.y, sample_weight=target.sample_weight)
        return {
            "n_classes": 0,
            "coefficients": [ridge.coef_.tolist()],
            "intercepts": [float(ridge.intercept_)],
            "target_mean": scale.mean,
            "target_scale": scale.scale,
        }

    def _fit_logistic(
        self, encoded: np.ndarray, y_proba: np.ndarray, sample_weight: np.ndarray
    ) -> dict[str, Any]:
        target = expand_classes(y_proba, sample_weight)
        seen = np.unique(target.y)
        coefficients, intercepts = np.zeros((1, encoded.shape[1])), np.zeros(1)
        if len(seen) > 1:
            coefficients, intercepts = self._solve(encoded[target.rows], target.y, target.sample_weight)
        return {
            "n_classes": y_proba.shape[1],
            "seen_classes": seen.tolist(),
            "coefficients": coefficients.tolist(),
            "intercepts": intercepts.tolist(),
        }

    def _solve(
        self, encoded: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a row of coefficients per class seen; scikit-learn returns a single one for two classes."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        logistic = LogisticRegression(C=self.C, max_iter=MAX_ITERATIONS)
        with warnings.catch_warnings():
            # A fit that has not quite converged is still a model; its out-of-fold loss decides.
            warnings.simplefilter("ignore", ConvergenceWarning)
            logistic.fit(encoded, y, sample_weight=sample_weight)
        if len(logistic.classes_) > 2:
            return logistic.coef_, logistic.intercept_
        return np.vstack([0 * logistic.coef_, logistic.coef_]), np.append(0.0, logistic.intercept_)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities of shape (n_rows, n_classes), or numbers of shape (n_rows,)."""
        return _serving.predict(serve, X, self.spec_, {})

    def export(self, folder: Path) -> dict[str, Any]:
        """Return the spec, coefficients included; there are no data files."""
        return self.spec_


def serve(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Predict from the coefficients."""
    encoded = encode_dense(frame, spec)
    scores = encoded @ np.asarray(spec["coefficients"], dtype=float).T + np.asarray(spec["intercepts"])
    if not spec["n_classes"]:
        return scores[:, 0] * spec["target_scale"] + spec["target_mean"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba = np.zeros((len(frame), spec["n_classes"]))
    proba[:, spec["seen_classes"]] = scores / scores.sum(axis=1, keepdims=True)
    return as_probabilities(proba)


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> Linear:
    """Return an unfitted model; the solver is deterministic, so the seed is not used."""
    return Linear(schema.signs(schema.feature_names), **params)


def search_space(trial: int, schema: Schema) -> dict[str, Any]:
    """Return the listed strengths in turn, then log-uniform draws in [0.001, 30]."""
    if trial < len(STRENGTHS):
        return {"C": STRENGTHS[trial]}
    random = np.random.default_rng(derive_seed("linear", trial))
    return {"C": float(np.exp(random.uniform(np.log(1e-3), np.log(30))))}


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of a fit on hard labels, measured with 200 to 10,000 rows; soft ones cost more."""
    if n_classes == 1:
        return 0.004 + 1e-7 * n_rows * n_columns
    return 0.005 + 5.5e-7 * n_rows * n_columns * (n_classes if n_classes > 2 else 1)


def fit_bytes(n_rows: int, n_columns: int, n_levels: int) -> float:
    """Count dense columns of float64: once as they are, and twice for the two labels of a soft target."""
    return 24.0 * n_rows * (n_columns + n_levels)


def footprint(n_rows: int, n_columns: int, n_levels: int, n_classes: int) -> Footprint:
    """Bound what the coefficients take when they serve, measured with 10 to 50 columns."""
    n_encoded = 2 * n_columns + n_levels
    megabytes = 0.002 + 3e-4 * n_columns + 4e-5 * n_levels + 2.5e-5 * n_encoded * n_classes
    return Footprint(0.2 + 0.1 * n_columns + 0.002 * n_levels, megabytes)


SPEC = ModelSpec(
    name="linear",
    build=build,
    search_space=search_space,
    reference="https://scikit-learn.org/stable/modules/linear_model.html",
    fit_cost=fit_cost,
    fit_bytes=fit_bytes,
    serve=serve,
    is_teacher=True,
    is_student=True,
    is_monotone=True,
    footprint=footprint,
    drop_order=2,
)

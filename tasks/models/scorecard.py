"""Scorecard: bins of each feature with whole points, whose sum gives the prediction, as in credit scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import Footprint, ModelSpec
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import _serving
from realmix.tasks.models._cuts import order_levels, round_cut
from realmix.tasks.models._preprocessing import learn_codes
from realmix.tasks.models._readable_scorecard import card_as_csv, card_as_json, card_as_text, describe_card
from realmix.tasks.models._serving import Spec, State, as_probabilities, encode_codes
from realmix.tasks.models._soft_targets import TargetScale, expand_classes, standardise

# Points that double the odds: the usual scale of credit scorecards.
POINTS_PER_DOUBLING = 20
# Of a quantity: points for one standard deviation, before the value of a point is rounded.
POINTS_PER_DEVIATION = 50
# Weight of the rows in a bin; real rows weigh 1 on average.
MIN_BIN_WEIGHT = 15.0
# A cut that explains less of the squared deviation parts rounding errors.
MIN_IMPROVEMENT = 1e-7
MAX_ITERATIONS = 1000
# Inverse strength of the penalty, and most bins of a feature.
COMBINATIONS: tuple[tuple[float, int], ...] = (
    (0.3, 5), (1.0, 4), (0.1, 5), (1.0, 8), (0.3, 3), (0.03, 8), (3.0, 5), (0.1, 3)
)  # fmt: skip


Fit = Callable[[np.ndarray, np.ndarray, np.ndarray, float], tuple[np.ndarray, float]]


class Scorecard:
    """A penalised logistic (or ridge) regression on the steps between bins, rounded to whole points.

    Bins are the leaves of a tree on one feature, levels ordered by their mean target; missing cells, rare and
    unseen levels among them, are a bin of their own. Steps rather than bins are penalised, so that neighbours
    differ only where the rows say so. A step against the direction of the schema is left out, which joins its two
    bins. The prediction is made from the sum of the rounded points.

    Parameters
    ----------
    schema : Schema
        For its directions and dates.
    C : float
        Inverse strength of the penalty, > 0.
    max_bins : int
        Of each feature, >= 2, missing cells apart.
    """

    def __init__(self, schema: Schema, *, C: float, max_bins: int) -> None:
        self.schema, self.C, self.max_bins = schema, C, max_bins

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> Scorecard:
        """Learn from soft targets: see :class:`realmix.tasks.core.contracts.specs.Model`."""
        rows = np.flatnonzero(sample_weight > 0)
        weight = sample_weight[rows].astype(float)
        scale = TargetScale(0.0, 1.0)
        if y_proba.ndim == 1:
            scaled, scale = standardise(y_proba, sample_weight)
            target, unit = scaled.y, round_value(scale.scale / POINTS_PER_DEVIATION)
            of_points = {"n_classes": 0, "value_of_point": unit}
        else:
            target, unit = np.clip(y_proba[rows, 1].astype(float), 0, 1), np.log(2) / POINTS_PER_DOUBLING
            of_points = {"n_classes": 2, "points_per_doubling": POINTS_PER_DOUBLING}
        learnt = learn_codes(X.iloc[rows])
        encoded = order_levels(learnt, encode_codes(X.iloc[rows], learnt), target, weight).astype(float)
        features = [
            self._with_cuts(feature, cells, target, weight)
            for feature, cells in zip(learnt["features"], encoded.T, strict=True)
        ]
        fit = _logistic if of_points["n_classes"] else _ridge
        heights, intercept = self._heights(features, encoded, fit, target, weight)
        exact = [each * scale.scale / unit for each in heights]
        base = (intercept * scale.scale + scale.mean) / unit + sum(each.min() for each in exact)
        pointed = [
            feature | {"points": np.rint(each - each.min()).astype(int).tolist()}
            for feature, each in zip(features, exact, strict=True)
        ]
        self.spec_: dict[str, Any] = {
            "kind": SPEC.name,
            **of_points,
            "base": int(np.rint(base)),
            "features": [_joined(feature) for feature in pointed if any(feature["points"])],
        }
        return self

    def _heights(
        self,
        features: list[dict[str, Any]],
        encoded: np.ndarray,
        fit: Fit,
        target: np.ndarray,
        weight: np.ndarray,
    ) -> tuple[list[np.ndarray], float]:
        """Fit the steps; return the height of each bin of each feature, missing cells last, and the intercept."""
        bins = [bins_of(feature, cells) for feature, cells in zip(features, encoded.T, strict=True)]
        designs = [_design(each, len(f["cuts"]), weight) for f, each in zip(features, bins, strict=True)]
        steps = np.hstack([design[each] for design, each in zip(designs, bins, strict=True)])
        coefficients, intercept = fit(steps, target, weight, self.C)
        signs = self._signs(features)
        while (wrong := coefficients * signs < 0).any():
            steps = np.where(wrong, 0.0, steps)
            coefficients, intercept = fit(steps, target, weight, self.C)
        parts = np.split(coefficients, np.cumsum([design.shape[1] for design in designs])[:-1])
        return [design @ part for design, part in zip(designs, parts, strict=True)], intercept

    def _with_cuts(
        self, feature: dict[str, Any], cells: np.ndarray, target: np.ndarray, weight: np.ndarray
    ) -> dict[str, Any]:
        """Add the cuts between the bins of a feature, ascending; a cell that equals one lies below it."""
        from sklearn.tree import DecisionTreeRegressor

        known = ~np.isnan(cells)
        least = MIN_BIN_WEIGHT / max(weight[known].sum(), 1e-300)
        if least > 0.5:
            return feature | {"cuts": []}
        tree = DecisionTreeRegressor(
            max_leaf_nodes=self.max_bins,
            min_weight_fraction_leaf=least,
            min_impurity_decrease=MIN_IMPROVEMENT,
            random_state=0,
        )
        tree.fit(cells[known, None], target[known], sample_weight=weight[known])
        cuts = np.sort(tree.tree_.threshold[tree.tree_.feature >= 0])
        if "levels" in feature:
            return feature | {"cuts": [float(np.floor(cut)) for cut in cuts]}
        values = np.unique(cells[known])
        above = np.searchsorted(values, cuts, side="right")
        is_date = self.schema[feature["name"]].kind == "datetime"
        rounded = [round_cut(values[place - 1], values[place], is_date=is_date) for place in above]
        return feature | {"cuts": rounded}

    def _signs(self, features: list[dict[str, Any]]) -> np.ndarray:
        """Return the sign that each step must have; 0 for any, and for missing cells."""
        signs = self.schema.signs([feature["name"] for feature in features])
        return np.concatenate(
            [[*[sign] * len(f["cuts"]), 0] for f, sign in zip(features, signs, strict=True)]
        )

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities of shape (n_rows, 2), or numbers of shape (n_rows,)."""
        return _serving.predict(serve, X, self.spec_, {})

    def export(self, folder: Path) -> dict[str, Any]:
        """Return the spec, the points included; there are no data files."""
        return self.spec_


def bins_of(feature: Mapping[str, Any], cells: np.ndarray) -> np.ndarray:
    """Return the bin of each cell: the number of cuts below it, and one more than the last for missing ones."""
    return np.where(np.isnan(cells), len(feature["cuts"]) + 1, np.searchsorted(feature["cuts"], cells))


def _design(bins: np.ndarray, n_cuts: int, weight: np.ndarray) -> np.ndarray:
    """Return the steps that each bin has climbed, and whether it is the one of missing cells.

    Missing cells stand on the average of all others, so that what they add is their difference from it.

    Returns
    -------
    ndarray of shape (n_cuts + 2, n_cuts + 1)
    """
    climbed = np.tri(n_cuts + 1, n_cuts, -1)
    known = np.bincount(bins, weight, n_cuts + 2)[: n_cuts + 1]
    average = known @ climbed / max(known.sum(), 1e-300)
    indicator = np.zeros((n_cuts + 2, 1))
    indicator[-1] = 1.0
    return np.hstack([np.vstack([climbed, average]), indicator])


def _logistic(
    steps: np.ndarray, target: np.ndarray, weight: np.ndarray, C: float
) -> tuple[np.ndarray, float]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    soft = expand_classes(np.column_stack([1 - target, target]), weight)
    if len(np.unique(soft.y)) < 2:
        return np.zeros(steps.shape[1]), float(np.sign(soft.y[0] - 0.5) * 20)
    logistic = LogisticRegression(C=C, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        # A fit that has not quite converged is still a model; its out-of-fold loss decides.
        warnings.simplefilter("ignore", ConvergenceWarning)
        logistic.fit(steps[soft.rows], soft.y, sample_weight=soft.sample_weight)
    return logistic.coef_[0], float(logistic.intercept_[0])


def _ridge(steps: np.ndarray, target: np.ndarray, weight: np.ndarray, C: float) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import Ridge

    ridge = Ridge(alpha=1 / C, solver="cholesky").fit(steps, target, sample_weight=weight)
    return ridge.coef_, float(ridge.intercept_)


def round_value(value: float) -> float:
    """Round to 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> round_value(0.0183), round_value(37.0)
    (0.02, 50.0)
    """
    exponent = int(np.floor(np.log10(value)))
    digit = min((1, 2, 5, 10), key=lambda d: abs(np.log(d) - np.log(value / 10.0**exponent)))
    return float(f"{digit}e{exponent}")


def _joined(feature: dict[str, Any]) -> dict[str, Any]:
    """Join neighbouring bins of equal points."""
    *points, missing = feature["points"]
    kept = [place for place in range(len(feature["cuts"])) if points[place] != points[place + 1]]
    cuts = [feature["cuts"][place] for place in kept]
    return feature | {"cuts": cuts, "points": [*(points[place] for place in kept), points[-1], missing]}


def serve(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Sum the points, and turn the sum into a probability or a number."""
    encoded = encode_codes(frame, spec)
    total = np.full(len(frame), spec["base"], dtype=float)
    for place, feature in enumerate(spec["features"]):
        cells = encoded[:, place]
        bins = np.searchsorted(feature["cuts"], cells)
        # The last points are those of missing cells.
        total += np.asarray(feature["points"])[np.where(np.isnan(cells), -1, bins)]
    if not spec["n_classes"]:
        return total * spec["value_of_point"]
    doublings = np.clip(total / spec["points_per_doubling"], -50, 50)
    return as_probabilities(1 / (1 + np.exp2(-doublings)))


def write_readable(spec: Spec, schema: Schema, real: pd.DataFrame) -> dict[str, str]:
    """Write the points as text, CSV and JSON: see :mod:`realmix.tasks.models._readable_scorecard`."""
    encoded = encode_codes(real, spec).astype(float)
    counts = [
        np.bincount(bins_of(feature, cells), minlength=len(feature["points"]))
        for feature, cells in zip(spec["features"], encoded.T, strict=True)
    ]
    card = describe_card(spec, schema, counts)
    return {
        "scorecard.txt": card_as_text(card, schema),
        "scorecard.csv": card_as_csv(card),
        "scorecard.json": card_as_json(card),
    }


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> Scorecard:
    """Return an unfitted model; the solver is deterministic, so the seed is not used."""
    return Scorecard(schema, **params)


def search_space(trial: int, schema: Schema) -> dict[str, Any]:
    """Return the listed combinations in turn, then random draws around them."""
    if trial < len(COMBINATIONS):
        return dict(zip(("C", "max_bins"), COMBINATIONS[trial], strict=True))
    random = np.random.default_rng(derive_seed("scorecard", trial))
    strength = float(np.exp(random.uniform(np.log(0.01), np.log(5))))
    return {"C": strength, "max_bins": int(random.integers(3, 10))}


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of one fit, measured with 200 to 10,000 rows."""
    return 0.004 + 1e-3 * n_columns + 4e-7 * n_rows * n_columns


def fit_bytes(n_rows: int, n_columns: int, n_levels: int) -> float:
    """Count the steps of at most nine bins of each column as float64, twice for the labels of a soft target."""
    return 24.0 * n_rows * 10 * n_columns


def footprint(n_rows: int, n_columns: int, n_levels: int, n_classes: int) -> Footprint:
    """Bound what the points take when they serve."""
    return Footprint(0.2 + 0.08 * n_columns, 0.002 + 6e-4 * n_columns + 5e-5 * n_levels)


SPEC = ModelSpec(
    name="scorecard",
    build=build,
    search_space=search_space,
    reference="https://en.wikipedia.org/wiki/Credit_scorecards",
    fit_cost=fit_cost,
    fit_bytes=fit_bytes,
    serve=serve,
    is_student=True,
    is_default=False,
    is_monotone=True,
    write_readable=write_readable,
    footprint=footprint,
    tasks=("binary", "regression"),
)

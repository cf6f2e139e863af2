"""Decision tree of at most 32 leaves: a model that people can read, check by hand and print on a page."""

from __future__ import annotations

from collections.abc import Mapping
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
from realmix.tasks.models._readable_tree import (
    draw_tree,
    levels_used,
    nested_rules,
    rules_as_json,
    rules_as_text,
)
from realmix.tasks.models._serving import Spec, State, as_probabilities, encode_codes
from realmix.tasks.models._soft_targets import standardise

MAX_LEAVES = 32
# Weight of the rows in a leaf; real rows weigh 1 on average.
LEAF_SIZES = (10.0, 20.0, 5.0, 40.0, 15.0, 30.0, 3.0, 60.0)
# Rows of the average prediction that each leaf is given: a leaf of one class must not promise certainty.
PRIOR_ROWS = 2.0
# What scikit-learn writes as the feature of a leaf.
LEAF = -2


class DecisionTree:
    """One tree by scikit-learn, best split first; its leaves hold class shares, or means.

    Each category is ordered by the mean target of its levels. Missing cells, rare levels among them, go to the
    side of a split that they fit better; where `monotone` of the schema names a feature, scikit-learn takes no
    missing cells, and they count as the middle of their column.

    Parameters
    ----------
    schema : Schema
        For its directions and dates.
    min_leaf_weight : float
        Weight of the rows in a leaf, > 0.
    max_leaves : int
        >= 2.
    random_state : int
        Decides between equally good splits.
    """

    def __init__(self, schema: Schema, *, min_leaf_weight: float, max_leaves: int, random_state: int) -> None:
        self.schema, self.random_state = schema, random_state
        self.min_leaf_weight, self.max_leaves = min_leaf_weight, max_leaves

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> DecisionTree:
        """Learn from soft targets: see :class:`realmix.tasks.core.contracts.specs.Model`."""
        from sklearn.tree import DecisionTreeRegressor

        rows = np.flatnonzero(sample_weight > 0)
        weight = sample_weight[rows].astype(float)
        spec: dict[str, Any] = {"kind": SPEC.name, "n_classes": 0, **learn_codes(X.iloc[rows])}
        if y_proba.ndim == 1:
            target, scale = standardise(y_proba, sample_weight)
            y = target.y[:, None]
            spec |= {"target_mean": scale.mean, "target_scale": scale.scale}
        else:
            # Of two classes one share says all.
            y = y_proba[rows, 1:].astype(float) if y_proba.shape[1] == 2 else y_proba[rows].astype(float)
            spec["n_classes"] = y_proba.shape[1]
        prior = np.average(y, axis=0, weights=weight)
        # The direction in which the targets differ most orders the levels.
        direction = _main_direction(y - prior, weight)
        encoded = order_levels(spec, encode_codes(X.iloc[rows], spec), direction, weight)
        signs = self.schema.signs(list(X.columns))
        fill = _middles(spec, encoded, direction, weight) if any(signs) else None
        if fill is not None:
            encoded = np.where(np.isnan(encoded), fill, encoded)
        tree = DecisionTreeRegressor(
            max_leaf_nodes=self.max_leaves,
            min_weight_fraction_leaf=min(self.min_leaf_weight / weight.sum(), 0.5),
            random_state=self.random_state,
            monotonic_cst=signs if any(signs) else None,
        ).fit(encoded, y[:, 0] if y.shape[1] == 1 else y, sample_weight=weight)
        plain = _plain_tree(tree.tree_, prior)
        self._round_cuts(plain, spec, encoded.astype(float))
        if fill is not None:
            cuts = zip(plain["feature"], plain["threshold"], strict=True)
            plain["missing_left"] = [bool(float(fill[place]) <= cut) for place, cut in cuts]
            _keep_order(plain, signs)
        # Of the columns only those that the tree looks at.
        used = sorted(set(plain["feature"]) - {LEAF})
        plain["feature"] = [used.index(place) if place != LEAF else LEAF for place in plain["feature"]]
        self.spec_ = spec | {"features": [spec["features"][place] for place in used], "tree": plain}
        return self

    def _round_cuts(self, tree: dict[str, Any], spec: Spec, encoded: np.ndarray) -> None:
        """Replace each threshold by the roundest number that parts the training rows alike."""
        pending = [(0, np.arange(len(encoded)))]
        while pending:
            node, rows = pending.pop()
            place = tree["feature"][node]
            if place < 0:
                continue
            cells = encoded[rows, place]
            is_left = np.where(np.isnan(cells), tree["missing_left"][node], cells <= tree["threshold"][node])
            above = cells[~is_left & ~np.isnan(cells)]
            feature = spec["features"][place]
            if len(above) and "levels" not in feature:
                below = float(np.nanmax(cells[is_left]))
                is_date = self.schema[feature["name"]].kind == "datetime"
                tree["threshold"][node] = round_cut(below, float(above.min()), is_date=is_date)
            pending += [(tree["left"][node], rows[is_left]), (tree["right"][node], rows[~is_left])]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities of shape (n_rows, n_classes), or numbers of shape (n_rows,)."""
        return _serving.predict(serve, X, self.spec_, {})

    def export(self, folder: Path) -> dict[str, Any]:
        """Return the spec, the tree included; there are no data files."""
        return self.spec_


def _main_direction(centred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Project centred targets of shape (n_rows, n_outputs) on the direction of their largest variance."""
    covariance = (centred * weight[:, None]).T @ centred
    return centred @ np.linalg.eigh(covariance)[1][:, -1]


def _middles(spec: Spec, encoded: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return what missing cells of each feature count as: the median, or a place between ordered levels."""
    middles = np.zeros(encoded.shape[1], dtype=np.float32)
    for place, feature in enumerate(spec["features"]):
        cells = encoded[:, place]
        known = ~np.isnan(cells)
        if "levels" not in feature:
            middles[place] = np.median(cells[known]) if known.any() else 0.0
            continue
        codes, n_levels = cells[known].astype(int), len(feature["levels"])
        totals = np.bincount(codes, weight[known], n_levels)
        means = np.bincount(codes, weight[known] * target[known], n_levels) / np.maximum(totals, 1e-300)
        mean = 0.0 if known.all() else np.average(target[~known], weights=weight[~known])
        middles[place] = (means <= mean).sum() - 0.5
    return middles


def _plain_tree(tree: Any, prior: np.ndarray) -> dict[str, Any]:
    """Return the nodes as lists; leaves have feature -2 and are drawn towards the average of all rows."""
    weight = tree.weighted_n_node_samples[:, None]
    values = (tree.value[:, :, 0] * weight + PRIOR_ROWS * prior) / (weight + PRIOR_ROWS)
    return {
        "feature": tree.feature.tolist(),
        # Infinite where missing cells are split from all others; JSON has no infinity.
        "threshold": np.minimum(tree.threshold, np.finfo(float).max).tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "missing_left": tree.missing_go_to_left.astype(bool).tolist(),
        "weight": weight[:, 0].tolist(),
        "value": values.tolist(),
    }


def _keep_order(tree: dict[str, Any], signs: list[int]) -> None:
    """Limit leaves to the middle of each split in a direction: drawn to the average, they may have crossed it."""
    value = tree["value"]

    def limit(node: int, low: float, high: float) -> None:
        value[node] = [min(max(value[node][0], low), high)]
        place, left, right = tree["feature"][node], tree["left"][node], tree["right"][node]
        if place < 0:
            return
        middle = min(max((value[left][0] + value[right][0]) / 2, low), high)
        limit(left, middle if signs[place] < 0 else low, middle if signs[place] > 0 else high)
        limit(right, middle if signs[place] > 0 else low, middle if signs[place] < 0 else high)

    limit(0, -np.inf, np.inf)


def serve(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Predict by walking down the tree."""
    tree = {name: np.asarray(values) for name, values in spec["tree"].items()}
    encoded = encode_codes(frame, spec)
    node = np.zeros(len(frame), dtype=int)
    while True:
        inner = np.flatnonzero(tree["feature"][node] >= 0)
        if not len(inner):
            break
        at = node[inner]
        cells = encoded[inner, tree["feature"][at]]
        goes_left = np.where(np.isnan(cells), tree["missing_left"][at], cells <= tree["threshold"][at])
        node[inner] = np.where(goes_left, tree["left"][at], tree["right"][at])
    values = tree["value"][node]
    if not spec["n_classes"]:
        return values[:, 0] * spec["target_scale"] + spec["target_mean"]
    return as_probabilities(values[:, 0] if spec["n_classes"] == 2 else values)


def write_readable(spec: Spec, schema: Schema, real: pd.DataFrame) -> dict[str, str]:
    """Write the rules as text and as JSON, and draw the tree: see :mod:`realmix.tasks.models._readable_tree`."""
    rules = nested_rules(spec, schema, real)
    return {
        "rules.txt": rules_as_text(rules, levels_used(rules, spec), schema),
        "rules.json": rules_as_json(rules, levels_used(rules, spec), schema),
        "tree.svg": draw_tree(rules, schema),
    }


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> DecisionTree:
    """Return an unfitted model; a tree is grown by one thread."""
    return DecisionTree(schema, **params, random_state=random_state)


def search_space(trial: int, schema: Schema) -> dict[str, Any]:
    """Return the listed leaf sizes in turn, then log-uniform draws in [3, 100]."""
    max_leaves = min(schema.max_leaves or MAX_LEAVES, MAX_LEAVES)
    if trial < len(LEAF_SIZES):
        return {"min_leaf_weight": LEAF_SIZES[trial], "max_leaves": max_leaves}
    random = np.random.default_rng(derive_seed("decision-tree", trial))
    size = float(np.exp(random.uniform(np.log(3), np.log(100))))
    return {"min_leaf_weight": size, "max_leaves": max_leaves}


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of one fit, measured with 200 to 10,000 rows."""
    return 0.003 + 4e-7 * n_rows * n_columns


def footprint(n_rows: int, n_columns: int, n_levels: int, n_classes: int) -> Footprint:
    """Bound what a tree takes when it serves: it holds and encodes only the columns that its cuts name."""
    n_used = min(n_columns, MAX_LEAVES - 1)
    return Footprint(
        0.3 + 0.03 * n_used, 0.008 + 0.001 * n_classes + 2e-4 * n_columns + 4e-5 * n_levels, MAX_LEAVES
    )


SPEC = ModelSpec(
    name="decision-tree",
    build=build,
    search_space=search_space,
    reference="https://scikit-learn.org/stable/modules/tree.html",
    fit_cost=fit_cost,
    serve=serve,
    is_student=True,
    is_monotone=True,
    write_readable=write_readable,
    footprint=footprint,
    drop_order=None,
)

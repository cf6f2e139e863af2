"""Decision tree of at most 32 leaves: a model that people can read, check by hand and print on a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import ModelSpec
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import _serving
from realmix.tasks.models._preprocessing import learn_codes
from realmix.tasks.models._serving import Spec, State, as_probabilities, encode_codes
from realmix.tasks.models._soft_targets import standardise

MAX_LEAVES = 32
# Weight of the rows in a leaf; real rows weigh 1 on average.
LEAF_SIZES = (10.0, 20.0, 5.0, 40.0, 15.0, 30.0, 3.0, 60.0)
# Rarer levels count as missing: ordered by the target of a few rows, they would be learned by heart.
MIN_LEVEL_WEIGHT = 10.0
# Rows of the average prediction that each leaf is given: a leaf of one class must not promise certainty.
PRIOR_ROWS = 2.0


class DecisionTree:
    """One tree by scikit-learn, best split first; its leaves hold class shares, or means.

    Each category is ordered by the mean target of its levels, which finds the best two-way split of
    levels for squared error (Fisher 1958, https://doi.org/10.2307/2281952). Missing cells, rare levels among
    them, go to the side of a split that they fit better.

    Parameters
    ----------
    min_leaf_weight : float
        Weight of the rows in a leaf, > 0.
    max_leaves : int
        >= 2.
    random_state : int
        Decides between equally good splits.
    """

    def __init__(self, *, min_leaf_weight: float, max_leaves: int, random_state: int) -> None:
        self.min_leaf_weight, self.max_leaves, self.random_state = min_leaf_weight, max_leaves, random_state

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
            y = y_proba[rows].astype(float)
            spec["n_classes"] = y.shape[1]
        prior = np.average(y, axis=0, weights=weight)
        # The direction in which the targets differ most orders the levels.
        encoded = _order_levels(
            spec, encode_codes(X.iloc[rows], spec), _main_direction(y - prior, weight), weight
        )
        tree = DecisionTreeRegressor(
            max_leaf_nodes=self.max_leaves,
            min_weight_fraction_leaf=min(self.min_leaf_weight / weight.sum(), 0.5),
            random_state=self.random_state,
        ).fit(encoded, y[:, 0] if y.shape[1] == 1 else y, sample_weight=weight)
        self.spec_ = spec | {"tree": _plain_tree(tree.tree_, prior)}
        return self

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


def _order_levels(
    spec: dict[str, Any], encoded: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Order the frequent levels of each category in `spec` by their mean target, and renumber the codes."""
    ordered = encoded.copy()
    for place, feature in enumerate(spec["features"]):
        if "levels" not in feature:
            continue
        codes = encoded[:, place]
        known = ~np.isnan(codes)
        code = codes[known].astype(int)
        n_levels = len(feature["levels"])
        totals = np.bincount(code, weight[known], n_levels)
        means = np.bincount(code, weight[known] * target[known], n_levels) / np.maximum(totals, 1e-300)
        order = [i for i in np.argsort(means, kind="stable") if totals[i] >= MIN_LEVEL_WEIGHT]
        rank = np.full(n_levels, np.nan)
        rank[order] = np.arange(len(order))
        ordered[known, place] = rank[code]
        feature["levels"] = [feature["levels"][i] for i in order]
    return ordered


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
    return as_probabilities(values)


def as_text(spec: Spec, classes: list[str]) -> str:
    """Write a fitted tree as nested rules, one line for each condition and each leaf.

    Parameters
    ----------
    spec : mapping
        From :meth:`DecisionTree.export`.
    classes : list of str
        Labels by code; empty for regression.

    Returns
    -------
    str
        ``if age <= 40.5 (or missing):`` and so on, indented by depth; leaves give probabilities, or the
        number, and the weight of the rows they were learned from.
    """
    return "\n".join(_lines(spec, classes, 0, 0)) + "\n"


def _lines(spec: Spec, classes: list[str], node: int, depth: int) -> list[str]:
    tree, indent = spec["tree"], "    " * depth
    if tree["feature"][node] < 0:
        return [f"{indent}{_leaf_in_words(spec, classes, node)}"]
    left, right = (_lines(spec, classes, tree[side][node], depth + 1) for side in ("left", "right"))
    return [f"{indent}if {_condition(spec, node)}:", *left, f"{indent}else:", *right]


def _condition(spec: Spec, node: int) -> str:
    tree = spec["tree"]
    feature, threshold = spec["features"][tree["feature"][node]], tree["threshold"][node]
    if threshold == np.finfo(float).max:
        return f"{feature['name']} is not missing"
    if "levels" in feature:
        below = feature["levels"][: int(np.floor(threshold)) + 1]
        words = f"{feature['name']} is {' or '.join(below)}"
    else:
        words = f"{feature['name']} <= {threshold:.6g}"
    return words + (" (or missing)" if tree["missing_left"][node] else "")


def _leaf_in_words(spec: Spec, classes: list[str], node: int) -> str:
    value, weight = spec["tree"]["value"][node], spec["tree"]["weight"][node]
    if not classes:
        number = value[0] * spec["target_scale"] + spec["target_mean"]
        return f"{number:.6g} ({weight:,.0f} rows)"
    shares = ", ".join(f"{label} {share:.1%}" for label, share in zip(classes, value, strict=True))
    return f"{shares} ({weight:,.0f} rows)"


def build(schema: Schema, params: Mapping[str, Any], random_state: int, n_jobs: int) -> DecisionTree:
    """Return an unfitted model; a tree is grown by one thread."""
    return DecisionTree(**params, random_state=random_state)


def search_space(trial: int, schema: Schema) -> dict[str, Any]:
    """Return the listed leaf sizes in turn, then log-uniform draws in [3, 100]."""
    if trial < len(LEAF_SIZES):
        return {"min_leaf_weight": LEAF_SIZES[trial], "max_leaves": MAX_LEAVES}
    random = np.random.default_rng(derive_seed("decision-tree", trial))
    size = float(np.exp(random.uniform(np.log(3), np.log(100))))
    return {"min_leaf_weight": size, "max_leaves": MAX_LEAVES}


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of one fit, measured with 200 to 10,000 rows."""
    return 0.003 + 4e-7 * n_rows * n_columns


SPEC = ModelSpec(
    name="decision-tree",
    build=build,
    search_space=search_space,
    reference="https://scikit-learn.org/stable/modules/tree.html",
    fit_cost=fit_cost,
    serve=serve,
    as_text=as_text,
    drop_order=None,
)

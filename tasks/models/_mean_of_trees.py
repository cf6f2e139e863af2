"""Several boosters of one recipe as one: their trees side by side, with leaves divided by their number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any


def mean_booster(boosters: Sequence[Any]) -> Any:
    """Return one booster whose margins (log-odds, or numbers) are the mean of several boosters' margins.

    Parameters
    ----------
    boosters : sequence of xgboost.Booster
        Fitted to the same rows, targets and weights, with other seeds.

    Returns
    -------
    xgboost.Booster
        The only one itself; else one that can be saved and loaded like any other, as large as all together.

    Raises
    ------
    ValueError
        If they start from different base scores: then they were fitted to different rows.
    """
    import xgboost

    if len(boosters) == 1:
        return boosters[0]
    documents = [json.loads(booster.save_raw("json")) for booster in boosters]
    merged, models = documents[0], [each["learner"]["gradient_booster"]["model"] for each in documents]
    if any(
        each["learner"]["learner_model_param"] != merged["learner"]["learner_model_param"]
        for each in documents
    ):
        raise ValueError("The boosters start from different base scores, expected fits to the same rows.")
    trees = [_scaled(tree, 1 / len(boosters)) for model in models for tree in model["trees"]]
    model = models[0]
    model["trees"] = [tree | {"id": number} for number, tree in enumerate(trees)]
    model["tree_info"] = list(chain.from_iterable(each["tree_info"] for each in models))
    model["iteration_indptr"] = _joined([each["iteration_indptr"] for each in models])
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    found = xgboost.Booster()
    found.load_model(bytearray(json.dumps(merged).encode()))
    return found


def _scaled(tree: dict[str, Any], factor: float) -> dict[str, Any]:
    """Multiply the values of a tree's leaves, which stand where other nodes have their thresholds."""
    values = zip(tree["split_conditions"], tree["left_children"], strict=True)
    conditions = [value * factor if left < 0 else value for value, left in values]
    return tree | {
        "split_conditions": conditions,
        "base_weights": [value * factor for value in tree["base_weights"]],
    }


def _joined(starts: Sequence[Sequence[int]]) -> list[int]:
    """Join the first trees of each round, the number of trees at their end."""
    joined = [0]
    for each in starts:
        n_before = joined[-1]
        joined += [n_before + start for start in each[1:]]
    return joined

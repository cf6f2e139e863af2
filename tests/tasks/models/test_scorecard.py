"""A scorecard: whole points, their sum is the prediction, and a person who adds them comes to the same."""

from __future__ import annotations

import csv
import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.models.scorecard import SPEC, Scorecard, round_value, write_readable


def fitted(X: pd.DataFrame, y: np.ndarray, weight: np.ndarray | None = None, **settings) -> Scorecard:
    """A scorecard on shares of "yes", or on numbers."""
    is_shares = y.min() >= 0 and y.max() <= 1
    target = np.where(y > 0.5, "yes", "no") if is_shares else y
    schema = infer_schema(X.assign(y=target), "y")
    soft = np.column_stack([1 - y, y]) if is_shares else y
    model = SPEC.build(schema, {"C": 1.0, "max_bins": 5} | settings, 0, 1)
    return model.fit(X, soft, np.ones(len(X)) if weight is None else weight)


def added_by_hand(card: dict, row: pd.Series) -> float:
    total = card["base"]
    for feature in card["features"]:
        total += next(each["points"] for each in feature["bins"] if is_in(row[feature["column"]], each))
    if "value_of_point" in card:
        return total * card["value_of_point"]
    return 1 / (1 + 2 ** (-total / card["points_per_doubling"]))


def is_in(cell, each: dict) -> bool:
    if "levels" in each:
        return cell in each["levels"]
    if "above" not in each:
        return True  # the last bin takes what is left: missing, or any other
    is_above = each["above"] is None or cell > each["above"]
    return not pd.isna(cell) and is_above and (each["at_most"] is None or cell <= each["at_most"])


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("trial", [0, 3, 7])
def test_whoever_adds_the_points_comes_to_the_prediction(rows_of, task, trial):
    rows = rows_of(task)
    model = rows.fit("scorecard", trial=trial)
    card = json.loads(write_readable(model.spec_, rows.schema, rows.X)["scorecard.json"])
    by_hand = np.array([added_by_hand(card, row) for _, row in rows.X_new.iterrows()])
    predicted = model.predict(rows.X_new)
    np.testing.assert_allclose(
        by_hand, predicted[:, 1] if task == "binary" else predicted, atol=1e-6, rtol=1e-9
    )


def test_points_are_whole_none_is_negative_and_each_column_has_one_of_zero(rows_of):
    for feature in rows_of("binary").fit("scorecard").spec_["features"]:
        assert all(isinstance(p, int) and p >= 0 for p in feature["points"]) and min(feature["points"]) == 0


def test_twenty_points_double_the_odds():
    town = np.repeat(["a", "b"], 3000)
    share = np.repeat([1 / 3, 0.5], 3000)  # odds of 1:2 and 1:1
    (feature,) = fitted(pd.DataFrame({"town": town}), share, C=100.0).spec_["features"]
    assert feature["levels"] == ["a", "b"] and feature["points"][:2] == [0, 20]


def test_bins_part_where_the_target_does_and_neighbours_of_equal_points_are_one():
    age = np.tile(np.arange(20.0, 80.0), 20)
    model = fitted(pd.DataFrame({"age": age, "noise": np.ones(1200)}), np.where(age > 49, 0.8, 0.2), C=100.0)
    (feature,) = model.spec_["features"]
    assert feature["name"] == "age" and feature["cuts"] == [49.0] and len(feature["points"]) == 3


def test_missing_cells_have_a_bin_of_their_own_and_unseen_ones_stand_on_the_average():
    age = np.where(np.arange(900) % 3 == 0, np.nan, np.where(np.arange(900) % 3 == 1, 20.0, 60.0))
    y = np.where(np.isnan(age), 0.9, np.where(age > 40, 0.6, 0.2))
    low, high, missing = fitted(pd.DataFrame({"age": age}), y, C=100.0).spec_["features"][0]["points"]
    assert low < high < missing
    known = ~np.isnan(age)
    low, high, missing = fitted(pd.DataFrame({"age": age[known]}), y[known], C=100.0).spec_["features"][0][
        "points"
    ]
    assert low < missing < high


def test_weights_count_as_rows():
    age = np.tile([20.0, 60.0], 200)
    y = np.where(np.arange(400) % 4 < 2, age > 40, age < 40).astype(float)
    weight = np.where(np.arange(400) % 4 < 2, 3.0, 1.0)
    young, old = fitted(pd.DataFrame({"age": age}), y, weight, C=100.0).predict(
        pd.DataFrame({"age": [20.0, 60.0]})
    )[:, 1]
    assert young == pytest.approx(0.25, abs=0.02) and old == pytest.approx(0.75, abs=0.02)


def test_the_value_of_a_point_of_a_quantity_is_round(rows_of):
    spec = rows_of("regression").fit("scorecard").spec_
    assert spec["value_of_point"] == round_value(spec["value_of_point"]) == 10.0


def test_the_table_lists_every_bin_with_its_points_and_real_rows(rows_of):
    rows = rows_of("binary")
    model = rows.fit("scorecard")
    written = write_readable(model.spec_, rows.schema, rows.X)
    table = list(csv.DictReader(StringIO(written["scorecard.csv"])))
    for feature in model.spec_["features"]:
        of_column = [row for row in table if row["column"] == feature["name"]]
        assert [int(row["points"]) for row in of_column] == feature["points"]
        assert sum(int(row["real_rows"]) for row in of_column) == len(rows.raw)
    assert "Every 20 points double the odds of 'yes'" in written["scorecard.txt"]


def test_a_step_against_the_direction_joins_its_bins(rows_of):
    import dataclasses

    rows = rows_of("binary")
    schema = dataclasses.replace(rows.schema, monotone={"age": "decreasing"})
    model = SPEC.build(schema, SPEC.search_space(0, schema), 0, 1).fit(
        rows.X, rows.y_proba, np.ones(len(rows.raw))
    )
    assert all(feature["cuts"] == [] for feature in model.spec_["features"] if feature["name"] == "age")

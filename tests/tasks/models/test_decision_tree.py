"""A tree that people can read: what it predicts, what its rules say, and how small it is."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.models import MODELS
from realmix.tasks.models._readable_tree import nested_rules
from realmix.tasks.models.decision_tree import MAX_LEAVES, PRIOR_ROWS, SPEC, DecisionTree, write_readable


def grown(X: pd.DataFrame, y: np.ndarray, **settings) -> DecisionTree:
    """A tree on rows of weight 1."""
    given = {"min_leaf_weight": 5.0, "max_leaves": 8, "random_state": 0} | settings
    schema = infer_schema(X.assign(y=np.where(y[:, 1] > 0.5, "yes", "no")), "y")
    return DecisionTree(schema, **given).fit(X, y, np.ones(len(X)))


def shares(is_positive: np.ndarray) -> np.ndarray:
    return np.column_stack([1.0 - is_positive, is_positive])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("trial", [0, 6])
def test_it_has_at_most_32_leaves(rows_of, task, trial):
    feature = rows_of(task).fit("decision-tree", trial=trial).spec_["tree"]["feature"]
    assert 2 <= sum(place < 0 for place in feature) <= MAX_LEAVES


def test_a_leaf_predicts_the_share_of_its_rows_drawn_towards_all_of_them():
    X = pd.DataFrame({"age": np.repeat([20.0, 60.0], 50)})
    y = np.repeat([0.0, 1.0], 50)
    predicted = grown(X, shares(y)).predict(pd.DataFrame({"age": [20.0, 60.0]}))
    certain = (50 + PRIOR_ROWS / 2) / (50 + PRIOR_ROWS)
    assert predicted == pytest.approx(np.array([[certain, 1 - certain], [1 - certain, certain]]))


def test_levels_are_parted_by_what_their_rows_have_in_common_and_rare_ones_are_missing():
    town = np.repeat(["a", "b", "c", "d", "rare"], [40, 40, 40, 40, 3])
    y = np.isin(town, ["b", "d"]).astype(float)
    model = grown(pd.DataFrame({"town": town}), shares(y), max_leaves=2)
    assert sorted(model.spec_["features"][0]["levels"][:2]) == ["a", "c"]
    predicted = model.predict(pd.DataFrame({"town": ["a", "b", "c", "d"]}))[:, 1]
    assert (predicted > 0.5).tolist() == [False, True, False, True]
    same = model.predict(pd.DataFrame({"town": ["rare", "new", None]}))
    assert (same == same[0]).all()


def test_missing_cells_go_where_they_fit_better():
    age = np.where(np.arange(120) % 3 == 0, np.nan, np.where(np.arange(120) % 3 == 1, 20.0, 60.0))
    y = np.where(np.isnan(age), 1.0, age == 60.0)
    predicted = grown(pd.DataFrame({"age": age}), shares(y)).predict(pd.DataFrame({"age": [np.nan, 20.0]}))
    assert predicted[0, 1] > 0.9 and predicted[1, 1] < 0.1


def test_rows_of_no_weight_are_not_there(rows_of):
    rows = rows_of("binary")
    weight = (np.arange(len(rows.X)) % 3 > 0).astype(float)
    settings = {"min_leaf_weight": 5.0, "max_leaves": 32, "random_state": 0}
    with_zeros = DecisionTree(rows.schema, **settings).fit(rows.X, rows.y_proba, weight)
    kept = weight > 0
    without = DecisionTree(rows.schema, **settings).fit(rows.X[kept], rows.y_proba[kept], weight[kept])
    assert np.array_equal(with_zeros.predict(rows.X_new), without.predict(rows.X_new))


def fitted(rows, **changes):
    schema = dataclasses.replace(rows.schema, **changes)
    model = SPEC.build(schema, SPEC.search_space(0, schema), 0, 1)
    return model.fit(rows.X, rows.y_proba, np.ones(len(rows.raw)))


def followed_by_hand(rule, levels, row):
    """Follow the nested rules as a person would, with the cells of the canonical row."""
    while "column" in rule:
        cell = row[rule["column"]]
        if pd.isna(cell) or cell not in levels.get(rule["column"], [cell]):
            side = rule["missing"]
        elif "is_known" in rule:
            side = "then"
        elif "is_one_of" in rule:
            side = "then" if cell in rule["is_one_of"] else "else"
        else:
            side = "then" if cell <= rule["at_most"] else "else"
        rule = rule[side]
    return rule["number"] if "number" in rule else list(rule["probabilities"].values())


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_rules_followed_by_hand_give_the_served_predictions(rows_of, task):
    rows = rows_of(task)
    model = fitted(rows)
    read = json.loads(write_readable(model.spec_, rows.schema, rows.X)["rules.json"])
    by_hand = [followed_by_hand(read["rules"], read["levels"], row) for _, row in rows.X_new.iterrows()]
    np.testing.assert_allclose(by_hand, model.predict(rows.X_new), rtol=1e-6)


def test_cuts_are_round_and_part_the_training_rows_alike(rows_of):
    rows = rows_of("regression")
    text = write_readable(fitted(rows).spec_, rows.schema, rows.X)["rules.txt"]
    cuts = [line.split("<=")[1].split()[0].rstrip(":") for line in text.splitlines() if "age <=" in line]
    assert cuts and all(len(cut) <= 2 for cut in cuts)  # ages are whole: no 40.5


def test_real_rows_are_counted_in_the_leaves_and_synthetic_ones_are_not(rows_of):
    rows = rows_of("binary")
    model = fitted(rows)

    def counted(rule):
        return rule["real_rows"] if "column" not in rule else counted(rule["then"]) + counted(rule["else"])

    assert counted(nested_rules(model.spec_, rows.schema, rows.X)) == len(rows.raw)
    assert counted(nested_rules(model.spec_, rows.schema, rows.X[:50])) == 50


def test_dates_are_written_as_dates_and_names_as_they_are():
    days = pd.date_range("2021-01-01", periods=200, freq="D")
    raw = pd.DataFrame({"opened at": days, "sold": np.where(days < "2021-04-11", "no", "yes")})
    schema = infer_schema(raw, "sold")
    X = schema.apply(raw)[schema.feature_names]
    model = SPEC.build(schema, SPEC.search_space(0, schema), 0, 1)
    model.fit(X, schema.one_hot_target(schema.apply(raw)), np.ones(200))
    assert "if opened at <= 2021-04-10:" in write_readable(model.spec_, schema, X)["rules.txt"]


def test_the_figure_is_well_formed_loads_nothing_and_names_every_leaf(rows_of):
    rows = rows_of("binary")
    raw = rows.raw.rename(columns={"job": "job <&>"})
    schema = infer_schema(raw, "outcome")
    X = schema.apply(raw)[schema.feature_names]
    model = SPEC.build(schema, SPEC.search_space(0, schema), 0, 1).fit(X, rows.y_proba, np.ones(len(raw)))
    written = write_readable(model.spec_, schema, X)
    root = ET.fromstring(written["tree.svg"])
    bars = [each for each in root.iter() if each.tag.endswith("rect") and each.get("fill") == "#555"]
    assert (
        len(bars)
        == written["rules.txt"].count("real row") - written["rules.txt"].count("real rows that end")
        == model.spec_["tree"]["left"].count(-1)
    )
    assert "url(" not in written["tree.svg"] and "href" not in written["tree.svg"]
    colours = {each.get("fill") for each in root.iter()} - {None}
    assert colours <= {"black", "white", "none", "#555"}


def test_a_card_of_fewer_leaves_limits_every_trial(rows_of):
    rows = rows_of("regression")
    model = fitted(rows, max_leaves=4)
    assert model.spec_["tree"]["left"].count(-1) <= 4
    assert SPEC.search_space(9, dataclasses.replace(rows.schema, max_leaves=100))["max_leaves"] == 32


def test_trials_differ_and_the_first_leaves_hold_ten_rows():
    schema = infer_schema(pd.DataFrame({"x": range(40), "y": ["a", "b"] * 20}), "y")
    tried = [MODELS["decision-tree"].search_space(trial, schema)["min_leaf_weight"] for trial in range(12)]
    assert tried[0] == 10 and len(set(tried)) == 12 and min(tried) >= 3

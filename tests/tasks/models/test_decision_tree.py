"""A tree that people can read: what it predicts, what its text says, and how small it is."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.export import export_model
from realmix.tasks.models import MODELS
from realmix.tasks.models.decision_tree import MAX_LEAVES, PRIOR_ROWS, DecisionTree, as_text


def grown(X: pd.DataFrame, y: np.ndarray, **settings) -> DecisionTree:
    """A tree on rows of weight 1."""
    given = {"min_leaf_weight": 5.0, "max_leaves": 8, "random_state": 0} | settings
    return DecisionTree(**given).fit(X, y, np.ones(len(X)))


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
    with_zeros = DecisionTree(**settings).fit(rows.X, rows.y_proba, weight)
    kept = weight > 0
    without = DecisionTree(**settings).fit(rows.X[kept], rows.y_proba[kept], weight[kept])
    assert np.array_equal(with_zeros.predict(rows.X_new), without.predict(rows.X_new))


def followed(text: str, row: pd.Series) -> str:
    """Walk down the text by hand."""
    depth = 0
    for line in text.splitlines():
        indent = (len(line) - len(line.lstrip())) // 4
        if indent != depth:
            continue
        words = line.strip()
        if words.startswith("if "):
            is_met = holds(words, row)
            depth += is_met
        elif words == "else:":
            depth += 1
        else:
            return words
    raise AssertionError("no leaf")


def holds(condition: str, row: pd.Series) -> bool:
    name, rule = re.fullmatch(r"if (\w+) (.+):", condition).groups()
    cell, takes_missing = row[name], rule.endswith(" (or missing)")
    rule = rule.removesuffix(" (or missing)")
    if rule == "is not missing":
        return not pd.isna(cell)
    if pd.isna(cell):
        return takes_missing
    if rule.startswith("<= "):
        return cell <= float(rule.removeprefix("<= "))
    return str(cell) in rule.removeprefix("is ").split(" or ")


def test_whoever_follows_the_text_by_hand_comes_to_the_prediction():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"age": rng.integers(18, 90, 400) * 1.0, "job": rng.choice(["clerk", "nurse", "pilot"], 400)}
    )
    X.loc[::7, "age"] = np.nan
    y = ((X["age"].fillna(70) > 50) ^ (X["job"] == "nurse")).to_numpy(float)
    model = grown(X, shares(y), max_leaves=6)
    text = as_text(model.spec_, ["no", "yes"])
    assert text.count("rows)") == 6
    for (_, row), (_, chance) in zip(X.iloc[:60].iterrows(), model.predict(X.iloc[:60]), strict=True):
        said = re.search(r"yes ([\d.]+)%", followed(text, row))[1]
        assert float(said) == pytest.approx(100 * chance, abs=0.06)


def test_numbers_are_said_in_the_unit_of_the_target(rows_of):
    rows = rows_of("regression")
    model = rows.fit("decision-tree")
    said = {
        float(number) for number in re.findall(r"^ *([-\d.]+) \(", as_text(model.spec_, []), re.MULTILINE)
    }
    assert said == {float(f"{value:.6g}") for value in model.predict(rows.X)}


def test_the_shipped_tree_has_its_text_beside_it_and_a_forest_has_none(rows_of, tmp_path):
    rows = rows_of("binary")
    for name in ("decision-tree", "random-forest"):
        export_model(rows.fit(name), name, rows.schema, tmp_path / name)
    text = (tmp_path / "decision-tree" / "model.txt").read_text()
    assert text == as_text(rows.fit("decision-tree").spec_, list(rows.schema.classes))
    assert not (tmp_path / "random-forest" / "model.txt").exists()


def test_trials_differ_and_the_first_leaves_hold_ten_rows():
    schema = infer_schema(pd.DataFrame({"x": range(40), "y": ["a", "b"] * 20}), "y")
    tried = [MODELS["decision-tree"].search_space(trial, schema)["min_leaf_weight"] for trial in range(12)]
    assert tried[0] == 10 and len(set(tried)) == 12 and min(tried) >= 3

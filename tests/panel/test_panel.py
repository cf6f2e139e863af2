from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.metrics import METRICS
from realmix.tasks.sources import open_source
from realmix.tasks.study.out_of_fold import read_exits
from tests.panel.arms import race_again
from tests.panel.intervals import over_tables
from tests.panel.study import Recipe, race_rows, study_rows
from tests.panel.tables import (
    DATA,
    MIN_CLASS_ROWS,
    Cell,
    cells,
    draw_rows,
    first_rows,
    index,
    jobs,
    rare_class,
)

needs_tables = pytest.mark.skipif(
    not DATA.exists(), reason="the panel's real tables are not beside the project"
)
RECIPE = Recipe(
    {"sequential-trees": None},
    ratios=(1.0,),
    models=("linear", "class-prior"),
    n_folds=3,
    n_repeats=2,
    n_trials=2,
    teacher=(("linear", 0),),
)


def test_each_class_gets_its_share_and_never_too_few_rows():
    target = pd.Series(["a"] * 950 + ["b"] * 50).sample(frac=1, random_state=0, ignore_index=True)
    taken = target[first_rows(target, 100, is_classification=True)]
    assert taken.value_counts().to_dict() == {"a": 90, "b": MIN_CLASS_ROWS}


@needs_tables
def test_rows_that_judge_are_never_studied_and_seeds_differ():
    one, other = (draw_rows(Cell("california_housing", 200), seed) for seed in (0, 1))
    keys = [set(part.itertuples(index=False, name=None)) for part in (one.training, one.test, one.spare)]
    assert len(one.training) == 200
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert not one.training.equals(other.training)


@needs_tables
def test_the_panel_has_34_cells_a_third_of_them_with_gans():
    assert len(cells()) == 34
    assert sum(cell.has_deep for cell in cells()) == 12


@needs_tables
def test_fresh_tables_are_opened_only_to_confirm(monkeypatch):
    opened = []
    monkeypatch.setattr("tests.panel.tables.open_source", opened.append)
    fresh = index(fresh=True)
    assert len(fresh) == 9 and not fresh.keys() & index().keys()
    assert {cell.half for cell, _ in jobs()} == {"method", "confirmation"}
    assert {cell.half for cell, _ in jobs(confirm=True)} == {"fresh"}
    assert not any(cell.has_deep for cell, _ in jobs(confirm=True))
    with pytest.raises(KeyError):
        draw_rows(Cell(min(fresh), 200), 0)
    assert not opened


def test_the_rarer_of_two_classes_is_rare_below_a_fifth():
    assert rare_class(pd.Series(["a"] * 90 + ["b"] * 10)) == "b"
    assert rare_class(pd.Series(["a"] * 75 + ["b"] * 25)) is None


def test_the_race_replayed_over_the_full_grid_is_the_race_that_was_run(tmp_path):
    source = open_source("bundled:bank_marketing?rows=2000")
    rows, card = source.load().iloc[:400].reset_index(drop=True), DataCard(**source.default_card())
    raced = race_rows(rows, card, RECIPE, folder=tmp_path / "raced", seed=0)
    whole = race_rows(
        rows, card, dataclasses.replace(RECIPE, full_grid=True), folder=tmp_path / "whole", seed=0
    )
    replayed = race_again(whole.out_of_fold, METRICS["log_loss"])
    assert replayed.exits == read_exits(raced.folder)
    assert not whole.out_of_fold.exits


def test_a_table_counts_once_however_many_runs_it_has():
    values, tables = pd.Series([1.0, 1.0, 1.0, 3.0]), pd.Series(["a", "a", "a", "b"])
    assert over_tables(values, tables)[0] == 2


@pytest.mark.parametrize("kind", ["a target of 1e9", "a target of chance"])
def test_where_features_tell_nothing_no_model_ships_that_loses_to_a_constant(tmp_path, kind):
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"a": rng.normal(size=240), "b": rng.choice(["u", "v", "w"], 240)})
    rows["y"] = rows["a"] * 3 + rng.normal(size=240) if "1e9" in kind else rng.normal(size=240)
    if "1e9" in kind:
        rows.loc[7, "y"] = 1e9
    recipe = dataclasses.replace(
        RECIPE, synthesizers={"gaussian-copula": None}, models=("linear", "xgboost", "class-prior")
    )
    outcome = study_rows(rows, DataCard(target="y"), recipe, folder=tmp_path, seed=0)
    score = {row.name: row.score for row in outcome.comparison.arms}
    assert score[outcome.verdict.ships.name] <= score["real-only/class-prior"]
    assert "Warning: " in outcome.verdict.sentence and "a constant" in outcome.verdict.sentence
    for of_learner in outcome.folder.read_json("work/learners.json"):
        assert of_learner["real_only"]["score"] <= score["real-only/class-prior"]

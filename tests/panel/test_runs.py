"""One small run of the panel on the bundled table, from its rows to its lines."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.models import MODELS
from realmix.tasks.sources import open_source
from tests.panel import baselines
from tests.panel.arms import arms_to_score, best_settings, race_again, scored
from tests.panel.baselines import Draw, make_baselines
from tests.panel.decisions import ALL, decide_run
from tests.panel.runs import Record, path_of, read, run_study
from tests.panel.study import Recipe
from tests.panel.tables import Cell, Rows

CELL = Cell("bank_marketing", 300)
RECIPE = Recipe(
    {"sequential-trees": None},
    ratios=(1.0,),
    models=("xgboost", "decision-tree", "ensemble", "class-prior"),
    real_labels=("own", "half"),
    n_folds=3,
    n_repeats=2,
    n_trials=2,
    teacher=(("linear", 0), ("xgboost", 0)),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with one run, tuned over two settings, without the slow rivals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "N_TRIALS", 2)
        patch.setattr(baselines, "N_FOLDS", 2)
        patch.setattr(baselines, "LEARNERS", ("xgboost", "decision-tree"))
        patch.setattr(baselines, "RIVALS", {"smote": baselines.RIVALS["smote"]})
        folder = tmp_path_factory.mktemp("panel")
        source = open_source("bundled:bank_marketing?rows=2000")
        raw, card = source.load().sample(frac=1, random_state=0), DataCard(**source.default_card())
        rows = Rows(card, raw.iloc[:300], raw.iloc[1300:], raw.iloc[300:1300].reset_index(drop=True), None)
        draw = Draw.of(CELL, 0, rows)
        make_baselines(draw, folder)
        run_study(draw, RECIPE, path_of(folder, CELL, 0))
        yield folder, draw


@pytest.fixture(scope="module")
def record(store) -> Record:
    return read(store[0], CELL, 0)


def test_the_reference_is_the_mean_of_five_tunings_and_the_floor_a_sixth(record):
    tuned = [f"xgboost/tuned-{number}" for number in range(6)]
    assert set(tuned) < set(record.outside.names)
    mean = np.mean([record.outside.losses(name) for name in tuned[:5]], axis=0)
    assert np.array_equal(record.reference("xgboost"), mean)
    assert np.array_equal(record.reference("ensemble"), mean)
    assert not np.array_equal(record.reference("decision-tree"), mean)
    assert len({record.score(name) for name in tuned}) > 1  # other folds and seeds, not one tuning six times


def test_slow_learners_stand_in_one_draw_and_no_learner_in_a_task_that_it_cannot_do(store, monkeypatch):
    draw = store[1]
    monkeypatch.setattr(baselines, "LEARNERS", ("xgboost", "slow", "numbers-only"))
    monkeypatch.setattr(baselines, "SLOW", ("slow",))
    able = {"xgboost": MODELS["xgboost"], "slow": MODELS["xgboost"]}
    able["numbers-only"] = dataclasses.replace(MODELS["xgboost"], tasks=("regression",))
    monkeypatch.setattr(baselines, "MODELS", able)
    assert draw.learners == ("xgboost",)
    one = dataclasses.replace(draw, cell=Cell("bank_marketing", baselines.SLOW_ROWS))
    assert one.learners == ("xgboost", "slow")
    assert dataclasses.replace(one, seed=1).learners == ("xgboost",)


def test_what_was_made_is_not_made_again(store, monkeypatch):
    def made_again(*given: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(baselines, "tuned", made_again)
    monkeypatch.setattr(baselines, "rivals", made_again)
    make_baselines(store[1], store[0])


def test_one_setting_of_each_mix_and_learner_is_scored_outside(record):
    arms = best_settings(scored(record.oof, record.metric))
    every = {(arm.mix, arm.model) for arm in record.oof.arms}
    assert {(arm.mix, arm.model) for arm in arms} == every and len(arms) == len(every)
    assert {arm.name for arm in arms_to_score(record.oof)} <= set(record.outside.names)
    assert len(arms_to_score(record.oof)) < len(record.oof.arms)


def test_a_setting_that_ran_to_the_end_comes_before_one_that_left(record):
    raced = race_again(record.oof, record.metric)
    case = scored(raced, record.metric)
    best = best_settings(case)[-1]
    left = dataclasses.replace(raced, exits={**raced.exits, best.name: next(iter(raced.exits.values()))})
    others = [arm for arm in raced.arms if (arm.mix, arm.model) == (best.mix, best.model) and arm != best]
    chosen = best_settings(scored(left, record.metric))
    assert (best in chosen) == all(arm.name in raced.exits for arm in others)


def test_a_run_gives_a_line_for_the_study_each_learner_and_each_arm(record):
    panel, arms, rivals = (pd.DataFrame(lines) for lines in decide_run(record, None))
    assert panel["learner"].tolist()[0] == ALL and set(panel["learner"]) == {
        ALL,
        "xgboost",
        "decision-tree",
        "ensemble",
    }
    assert panel[["loss", "change", "change_floor", "se"]].notna().all(axis=None)
    tree = panel.set_index("learner").loc["decision-tree"]
    assert tree["change"] == pytest.approx(tree["loss"] / record.reference_score("decision-tree") - 1)
    assert {"smote", "floor", "shipped", "teacher"} <= set(rivals["rival"])
    mix_fields = [field.name for field in dataclasses.fields(Mix)]
    assert set(mix_fields) < set(arms)
    assert len(arms) == len(arms_to_score(record.oof)) + 1
    own = arms[(arms["learner"] == "decision-tree") & (arms["oof_change"] == 0)]
    assert len(own) == 1 and own["synthetic_ratio"].item() == 0
    assert (arms["se"] >= 0).all() and arms["se"].median() > 0  # 0 where a tree is tuned as its reference was


def test_the_true_curve_is_that_of_more_and_fewer_real_rows(record):
    assert list(record.curves["xgboost"]) == [150, 212, 300, 424, 600, 849, 1200]
    assert record.curves["xgboost"][1200] < record.curves["xgboost"][150]

"""What may ship is examined on the folds as they were raced, in real workers."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.arms import train_arms
from realmix.tasks.fits.pools import synthesize
from realmix.tasks.fits.scope import Scope, StudyContext
from realmix.tasks.fits.teacher import fit_teacher
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.development import Development
from realmix.tasks.study.examine import IMPORTANCE, LIKENESS, examine
from realmix.tasks.study.split import lay_folds
from tests.tasks.scopes import scope_of

REAL_ONLY, MIX = Arm(Mix(), "random-forest"), Arm(Mix("smote", 1.0), "linear")
FIELDS = {"n_validation": 80.0, "n_train": 160.0}


def raced(folder: StudyFolder):
    """Make a study of noise whose two arms were trained on every fold."""
    rng = np.random.default_rng(0)
    raw = pd.DataFrame({"a": rng.normal(size=240), "b": rng.normal(size=240), "y": ["no", "yes"] * 120})
    schema = infer_schema(raw, "y")
    folder.work.mkdir(parents=True)
    StudyContext(schema, DataCard(target="y"), "snapshot", 0).write(folder.work / "context.json")
    scope_of(folder.scope("evaluated"), schema.apply(raw), np.ones(240), np.arange(240))
    plan = Plan(
        seed=0, task="binary", metric="log_loss", holdout=HoldoutRule(0, 0.0, ()), n_development=240,
        n_folds=3, n_repeats=2, forward=False, models=("random-forest", "linear"), n_trials=1,
        synthesizers={"smote": None}, ratios=(1.0,), weights=(1.0,), label_rules=("joint",),
        balances=("prior",), teacher=(("linear", 0),), n_workers=1, threads_per_fit=1,
    )  # fmt: skip
    layout = lay_folds.fn(folder, plan)
    development = Development(folder.work)
    folds = development.folds
    predictions = np.full((2, *folds.shape, 2), np.nan)
    for block in layout.blocks:
        scope = str(folder.scope(block.scope))
        fit_teacher(scope, [("linear", 0)], 1)
        synthesize(scope, "smote", 1.0, ["prior"], None)
        train_arms(scope, "both", [REAL_ONLY.to_dict(), MIX.to_dict()], 1)
        validated = folds[block.repeat] == block.fold
        predictions[:, block.repeat, validated] = Scope(folder.scope(block.scope)).read_predictions(
            "both.npy"
        )
    return layout, development, OutOfFold((REAL_ONLY, MIX), development.y, folds, predictions, 160.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = StudyFolder(tmp_path_factory.mktemp("gap") / "study")
    return folder, *raced(folder)


def gap_of(folder, layout, development, oof, best_mix=MIX):
    folder.write_json("work/generalisation.json", {"gap": None, "sentence": "As before."})
    with LocalWorkers(1):
        arms = SimpleNamespace(incumbent=REAL_ONLY, best_mix=best_mix, **FIELDS)
        examine.fn(folder, layout, development, oof, arms)
    return folder.read_json("work/generalisation.json")


def test_a_forest_on_noise_has_a_gap_and_a_linear_mix_hardly_one(study):
    found = gap_of(*study)
    real_only, mix = found["gap"]["real_only"], found["gap"]["mix"]
    assert real_only["gap"] > 0.2
    assert real_only["gap"] == pytest.approx(real_only["validation"] - real_only["training"])
    assert abs(mix["gap"]) < 0.1
    assert "The mix overfits less than real only" in found["sentence"]
    assert found["sentence"].endswith("As before.")


def test_the_gap_is_the_same_when_it_is_measured_again(study):
    assert gap_of(*study) == gap_of(*study)


def test_without_a_mix_the_gap_of_real_only_is_measured(study):
    gap = gap_of(*study, best_mix=None)["gap"]
    assert gap["real_only"]["gap"] > 0.2 and gap["mix"] is None


def test_what_each_arm_looks_at_and_the_rows_of_the_mix_are_noted(study):
    gap_of(*study)
    folder = study[0]
    importance = folder.read_json(IMPORTANCE)
    assert set(importance) == {REAL_ONLY.name, MIX.name}
    of_real = importance[REAL_ONLY.name]
    assert {each["feature"] for each in of_real["importance"]} == {"a", "b"}
    assert all(each["low"] <= each["worsens"] <= each["high"] for each in of_real["importance"])
    assert of_real["importance_metric"] == "log_loss" and of_real["importance_is_relative"] is True
    assert folder.read_json(LIKENESS)["synthesizer"] == "smote"
    gap_of(*study, best_mix=None)
    assert folder.read_json(LIKENESS) is None


def test_a_worker_that_fails_costs_only_the_numbers(study, caplog):
    folder, layout, *_ = study
    lost = folder.scope(layout.blocks[0].scope) / "training.npy"
    kept = lost.read_bytes()
    lost.unlink()
    with caplog.at_level(logging.WARNING, logger="realmix"):
        found = gap_of(*study)
    lost.write_bytes(kept)
    assert found == {"gap": None, "sentence": "As before."}
    assert "could not be examined" in caplog.text
    assert folder.read_json(IMPORTANCE) == {} and folder.read_json(LIKENESS) is None

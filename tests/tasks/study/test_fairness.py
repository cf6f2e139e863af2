"""A small real study with sensitive columns: its groups, its synthetic rows, and both repairs in real workers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.fairness.assessment import Fairness, fairness_vetoes
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
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.development import Development
from realmix.tasks.study.fairness import FAIRNESS, assess, repair_fairness
from realmix.tasks.study.split import lay_folds
from tests.tasks.scopes import scope_of

REAL_ONLY, MIX = Arm(Mix(), "linear"), Arm(Mix("smote", 1.0), "linear")


def study_of(folder: StudyFolder, card: DataCard):
    """Lay out and fit a study in which the recorded outcome favours one level of `sex`."""
    rng = np.random.default_rng(0)
    sex, merit = rng.choice(["zebra", "yak"], 360), rng.normal(size=360)
    y = np.where(merit + 1.5 * (sex == "yak") + rng.normal(size=360) > 0.7, "yes", "no")
    raw = pd.DataFrame({"merit": merit, "sex": sex, "y": y})
    schema = infer_schema(raw, "y", roles=card.roles)
    folder.work.mkdir(parents=True)
    StudyContext(schema, card, "snapshot", 0).write(folder.work / "context.json")
    scope_of(folder.scope("evaluated"), schema.apply(raw), np.ones(360), np.arange(360))
    schema.canonical_columns(raw, card.protected).to_parquet(folder.work / "declared.parquet")
    plan = Plan(
        seed=0, task="binary", metric="log_loss", holdout=HoldoutRule(0, 0.0, ()), n_development=360,
        n_folds=3, n_repeats=1, forward=False, models=("linear",), n_trials=1, synthesizers={"smote": None},
        ratios=(1.0,), weights=(1.0,), label_rules=("joint",), balances=("prior",), teacher=(("linear", 0),),
        n_workers=1, threads_per_fit=1,
    )  # fmt: skip
    layout, development = lay_folds.fn(folder, plan), Development(folder.work)
    predictions = np.full((2, *development.folds.shape, 2), np.nan)
    for block in layout.blocks:
        scope = str(folder.scope(block.scope))
        fit_teacher(scope, [("linear", 0)], 1)
        synthesize(scope, "smote", 1.0, ["prior"], None)
        train_arms(scope, "both", [REAL_ONLY.to_dict(), MIX.to_dict()], 1)
        validated = development.folds[block.repeat] == block.fold
        predictions[:, block.repeat, validated] = Scope(folder.scope(block.scope)).read_predictions(
            "both.npy"
        )
    oof = OutOfFold((REAL_ONLY, MIX), development.y, development.folds, predictions, 240.0)
    return layout, development, oof, compare(oof, METRICS["log_loss"], seed=0, n_bootstrap=50)


def repaired(folder, layout, development, oof, comparison) -> Fairness:
    found = assess(layout, development, oof, comparison)
    folder.write_json(FAIRNESS, found and found.to_dict())
    with LocalWorkers(1):
        repair_fairness.fn(folder, layout, development, oof, comparison)
    return Fairness.of(folder.read_json(FAIRNESS))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = StudyFolder(tmp_path_factory.mktemp("fairness") / "study")
    return folder, *study_of(folder, DataCard(target="y", sensitive=("sex",)))


def test_an_honest_mix_has_no_veto_and_repairs_narrow_the_gap_at_a_cost(study):
    found = repaired(*study)
    assert fairness_vetoes(found) == []
    reweighed, raised = found.repairs
    before, after = reweighed.gaps["selection rate"]
    assert before > 0.3 and after < before - 0.1
    assert reweighed.gain < 0, "weights against the recorded outcome cost log-loss"
    assert raised.in_words.startswith("0.5 smote rows per real row")
    assert found.data.groups[0].n_synthetic > 0


def test_no_value_of_the_sensitive_column_is_shown(study):
    text = str(repaired(*study).to_dict())
    assert "zebra" not in text and "yak" not in text


def test_the_same_study_gives_the_same_document(study):
    assert repaired(*study) == repaired(*study)


def test_a_mix_that_turns_against_a_group_is_refused(study):
    _, layout, development, oof, comparison = study
    is_harmed = (development.declared["sex"] == "zebra").to_numpy()
    predictions = oof.predictions.copy()
    predictions[1, 0, is_harmed] = [0.95, 0.05]
    found = assess(layout, development, dataclasses.replace(oof, predictions=predictions), comparison)
    assert fairness_vetoes(found)


def test_a_worker_that_fails_costs_only_the_repairs(study, caplog):
    folder, layout, *_ = study
    lost = folder.scope(layout.blocks[1].scope) / "smote.parquet"
    kept = lost.read_bytes()
    lost.unlink()
    found = repaired(*study)
    lost.write_bytes(kept)
    assert found.repairs == () and found.repairs_reason and found.gaps
    assert "could not be measured" in caplog.text


def test_a_sensitive_column_that_no_model_sees_is_judged_but_not_repaired(tmp_path):
    folder = StudyFolder(tmp_path / "study")
    card = DataCard(target="y", sensitive=("sex",), ignore=("sex",))
    found = repaired(folder, *study_of(folder, card))
    assert found.gaps[0].n_judged == 2
    assert "no sensitive column is a feature" in found.repairs_reason


def test_a_card_without_sensitive_columns_asks_nothing(study):
    folder, layout, development, oof, comparison = study
    folder.write_json(FAIRNESS, None)
    repair_fairness.fn(folder, layout, development, oof, comparison)
    assert folder.read_json(FAIRNESS) is None

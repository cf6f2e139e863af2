"""A small real study, looked at beyond its average."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.verdict import decide
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.arms import train_arms
from realmix.tasks.fits.scope import Scope, StudyContext
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.development import Development
from realmix.tasks.study.generalise import generalise, row_metric
from realmix.tasks.study.split import lay_folds
from tests.tasks.scopes import scope_of

CARD = DataCard(target="y", sensitive=("sex", "height"), slices=("plan",), ignore=("sex",))
REAL_ONLY, PLAIN = Arm(Mix(), "random-forest"), Arm(Mix(), "linear")
# What the plain learner predicts, under the name of a candidate.
MIX = Arm(Mix("ctgan", 1.0), "linear")
# Values that no result may show.
SECRETS = ("zebra", "yak")


def raw_rows(n_rows: int = 360) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    height = rng.normal(170, 10, n_rows)
    chance = 1 / (1 + np.exp(-(height - 170) / 6))
    return pd.DataFrame(
        {
            "height": height,
            "sex": rng.choice(SECRETS, n_rows),
            "plan": rng.choice(["basic", "plus"], n_rows),
            "month": np.arange(n_rows) // 30,
            "y": np.where(rng.random(n_rows) < chance, "yes", "no"),
        }
    )


def lay(folder: StudyFolder, card: DataCard, metric: str, *, forward: bool):
    """Lay the folds of a table down without a flow."""
    raw = raw_rows()
    schema = infer_schema(raw, "y", roles=card.roles)
    folder.work.mkdir(parents=True)
    StudyContext(schema, card, "snapshot", 0).write(folder.work / "context.json")
    rows = schema.apply(raw)
    scope_of(folder.scope("evaluated"), rows, np.ones(len(rows)), np.arange(len(rows)))
    schema.canonical_columns(raw, card.protected).to_parquet(folder.work / "declared.parquet")
    plan = Plan(
        seed=0, task="binary", metric=metric, holdout=HoldoutRule(0, 0.0, ()), n_development=len(rows),
        n_folds=4, n_repeats=1, forward=forward, models=("random-forest", "linear"), n_trials=1,
        synthesizers={}, ratios=(1.0,), weights=(1.0,), label_rules=("joint",), balances=("prior",),
        teacher=(("linear", 0),), n_workers=1, threads_per_fit=1,
    )  # fmt: skip
    return lay_folds.fn(folder, plan)


def run(folder: StudyFolder, *, card: DataCard = CARD, metric: str = "log_loss", forward: bool = False):
    """Train both models on every fold, and compare the second, as a mix, with the first."""
    layout = lay(folder, card, metric, forward=forward)
    development = Development(folder.work)
    folds = development.folds
    predictions = np.full((2, *folds.shape, 2), np.nan)
    for block in layout.blocks:
        scope = folder.scope(block.scope)
        train_arms(str(scope), "both", [REAL_ONLY.to_dict(), PLAIN.to_dict()], 1)
        validated = folds[block.repeat] == block.fold
        predictions[:, block.repeat, validated] = Scope(scope).read_predictions("both.npy")
    oof = OutOfFold((REAL_ONLY, MIX), development.y, folds, predictions, 270.0)
    return layout, development, oof, compare(oof, METRICS[metric], seed=0, n_bootstrap=50)


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    return folder, *run(folder)


def test_declared_groups_classes_and_hard_rows_are_slices(studied):
    found, vetoes = generalise(*studied[1:])
    assert [s.name for s in found["slices"]] == [
        "sex: group 1 of 2",
        "sex: group 2 of 2",
        *(f"height: part {i} of 4 from the lowest" for i in (1, 2, 3, 4)),
        "plan: basic",
        "plan: plus",
        "class: no",
        "rare class: yes",
        "hardest tenth of the rows",
    ]
    assert vetoes == []
    assert found["shift"]["kind"] == "covariate shift"


def test_a_group_that_no_model_sees_still_vetoes_and_its_value_stays_hidden(studied):
    folder, layout, development, oof, _ = studied
    loses = pd.read_parquet(folder.work / "declared.parquet")["sex"].to_numpy() == SECRETS[0]
    predictions = oof.predictions.copy()
    predictions[1] = 0.97 * np.eye(2)[oof.y] + 0.015
    predictions[1, :, loses] = 0.5
    oof = dataclasses.replace(oof, predictions=predictions)
    comparison = compare(oof, METRICS["log_loss"], seed=0, n_bootstrap=50)
    assert comparison.winner == oof.arms[1]
    found, vetoes = generalise(layout, development, oof, comparison)
    assert len(vetoes) == 1 and "'sex: group" in vetoes[0]
    verdict = decide(comparison, margin=0.005, vetoes=vetoes)
    assert verdict.outcome == "keep real only"
    assert vetoes[0] in verdict.reason
    written = json.dumps([to_jsonable(found), to_jsonable(verdict)])
    assert not [secret for secret in SECRETS if secret in written]


def test_forward_in_time_the_shift_is_the_latest_stretch(tmp_path):
    folder = StudyFolder(tmp_path / "study")
    card = DataCard(target="y", time="month")
    shift = generalise(*run(folder, card=card, forward=True))[0]["shift"]
    assert shift["kind"] == "forward in time"
    assert len(shift["samples"]) == 4
    assert shift["gain"] == shift["samples"][-1]["gain"]


def test_a_study_without_a_mix_has_neither_slices_nor_shift(studied):
    _, layout, development, oof, _ = studied
    alone = dataclasses.replace(oof, arms=oof.arms[:1], predictions=oof.predictions[:1])
    comparison = compare(alone, METRICS["log_loss"], seed=0, n_bootstrap=50)
    found, vetoes = generalise(layout, development, alone, comparison)
    assert vetoes == [] and found["slices"] == () and found["shift"] is None


def test_metrics_that_are_no_mean_over_rows_give_way_to_the_proper_loss(studied):
    schema = StudyContext.read(studied[0].work / "context.json").schema
    regression = dataclasses.replace(schema, task="regression")
    assert row_metric(METRICS["roc_auc"], schema).name == "log_loss"
    assert row_metric(METRICS["brier"], schema).name == "brier"
    assert row_metric(METRICS["r2"], regression).name == "rmse"
    assert row_metric(METRICS["mae"], regression).name == "mae"

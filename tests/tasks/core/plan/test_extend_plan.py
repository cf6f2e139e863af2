"""One more synthesizer leaves everything else of a plan as it was."""

from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.extend_plan import extend_plan
from realmix.tasks.core.plan.plan import Plan, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

SHAPE = TableShape(2000, 1600, n_columns=16, n_classes=2, task="binary", rarest_share=0.1)
FORMER = Plan(
    seed=0, task="binary", metric="log_loss", holdout=HoldoutRule(3, 0.2, ("age",)), n_development=1200,
    n_folds=3, n_repeats=1, forward=False, models=("xgboost",), n_trials=2, synthesizers={"tvae": 150},
    ratios=(1.0,), weights=(1.0,), label_rules=("joint", "teacher"), balances=("prior",),
    teacher=(("xgboost", 0), ("linear", 0)), n_workers=2, threads_per_fit=1,
    timeout_seconds={"tvae": 90.0}, left_out=("more than 3 folds", "synthesizer smote"),
)  # fmt: skip


def extended(*names: str, budget_seconds: float = 240.0) -> Plan | None:
    return extend_plan(FORMER, names, SHAPE, Costs(SYNTHESIZERS, MODELS), budget_seconds=budget_seconds)


def test_folds_mixes_learners_and_steps_stay() -> None:
    plan = extended("smote", "tvae")
    assert plan is not None
    assert list(plan.synthesizers.items()) == [("smote", None), ("tvae", 150)]
    assert plan.timeout_seconds["tvae"] == 90.0 and plan.timeout_seconds["smote"] > 0
    assert plan.left_out == ("more than 3 folds",)
    estimated = ("synthesizers", "timeout_seconds", "left_out", "estimate_seconds")
    kept = {field.name for field in dataclasses.fields(Plan)} - set(estimated)
    assert {name: getattr(plan, name) for name in kept} == {name: getattr(FORMER, name) for name in kept}


@pytest.mark.parametrize(
    "names", [("tvae",), ("smote",), ()], ids=["nothing is new", "one is asked for no longer", "none"]
)
def test_another_question_gets_another_plan(names: tuple[str, ...]) -> None:
    assert extended(*names) is None


def test_what_is_new_must_fit_the_budget_alone() -> None:
    assert extended("tvae", "ctgan", budget_seconds=1.0) is None
    assert extended("tvae", "ctgan", budget_seconds=100_000.0) is not None

"""Pools in a study: each is gated, and its log is kept, whatever became of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.fits.teacher import fit_teacher
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.synthesize import gate, synthesize
from tests.tasks.scopes import scope_of

SCOPE = "fold-0-0"


@pytest.fixture
def plan() -> Plan:
    return Plan(
        seed=0,
        task="binary",
        metric="log_loss",
        holdout=HoldoutRule(3, 0.2, ("age",)),
        n_development=120,
        n_folds=5,
        n_repeats=1,
        forward=False,
        models=("linear",),
        n_trials=1,
        synthesizers={"smote": None},
        ratios=(1.0,),
        weights=(1.0,),
        label_rules=("joint",),
        balances=("prior",),
        teacher=(("linear", 0),),
        n_workers=1,
        threads_per_fit=1,
    )


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """Make a study of one scope with 120 training rows."""
    rng = np.random.default_rng(0)
    age = rng.normal(45, 12, 120)
    raw = pd.DataFrame({"age": age, "y": np.where(age + rng.normal(0, 9, 120) > 50, "yes", "no")})
    schema = infer_schema(raw, "y")
    folder = StudyFolder(tmp_path)
    folder.work.mkdir()
    StudyContext(schema, DataCard(target="y"), "snapshot", 0).write(folder.work / "context.json")
    real = schema.apply(raw)
    scope = scope_of(folder.scope(SCOPE), real, np.ones(120), np.arange(120), real[:9])
    fit_teacher(str(scope.folder), [("linear", 0)], n_jobs=1)
    return folder


def test_every_pool_has_a_log_failed_ones_too(folder: StudyFolder, plan: Plan) -> None:
    with LocalWorkers(1):
        logs = {name: synthesize.fn(folder, SCOPE, name, plan) for name in ("smote", "simulation")}
    assert logs["smote"].failure is None
    assert {"asked", "made", "kept", "copies_of_real", "seconds_fit", "seconds_sample"} <= set(
        logs["smote"].to_dict()
    )
    assert "`simulate` is None" in logs["simulation"].failure
    assert set(logs["simulation"].to_dict()) == {"scope", "synthesizer", "failure", "timed_out"}
    assert {(log.scope, name) for name, log in logs.items()} == {(SCOPE, "smote"), (SCOPE, "simulation")}


def test_a_pool_is_checked_and_only_a_refused_one_of_a_fold_leaves_its_validation(
    folder: StudyFolder, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalWorkers(1):
        log = synthesize.fn(folder, SCOPE, "smote", plan)
        place = folder.path / "validation"
        assert log.failure is None and not place.exists()
        more = {label: count + 1 for label, count in log.asked_by_class.items()}
        failure = gate(folder, SCOPE, "smote", class_counts=more)
    assert failure
    results = place / f"smote-{SCOPE}"
    assert {p.name for p in results.iterdir()} == {"synthetic.json", "synthetic.suite.json", "synthetic.html"}
    found = json.loads((results / "synthetic.json").read_text(encoding="utf-8"))["expectations"]
    counted = [e for e in found if e["expectation"] == "expect_value_counts_to_equal"]
    assert [e["arguments"]["counts"] for e in counted] == [more]

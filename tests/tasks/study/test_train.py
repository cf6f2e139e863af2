"""A batch of learners that this machine cannot hold costs its arms, not the study."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from realmix.tasks.core.errors import FitTooLarge
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.train import train

PLAN = Plan(
    seed=0, task="binary", metric="log_loss", holdout=HoldoutRule(0, 0.0, ()), n_development=260, n_folds=2,
    n_repeats=1, forward=False, models=("xgboost",), n_trials=1, synthesizers={"smote": None}, ratios=(1.0,),
    weights=(1.0,), label_rules=("joint",), balances=("prior",), teacher=(("xgboost", 0),), n_workers=1,
    threads_per_fit=1,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path) -> Iterator[StudyFolder]:
    """Make a study whose fits may use next to no memory."""
    place = StudyFolder(tmp_path)
    place.scope("fold-0-0").mkdir(parents=True)
    # A fit waits for its context for ever, so that its memory is looked at before it can fail.
    os.mkfifo(place.work / "context.json")
    with LocalWorkers(1, memory_bytes=2**20):
        yield place


def test_arms_of_a_batch_too_large_for_this_machine_fail_with_the_reason(folder):
    arm = Arm(Mix("smote", 1.0), "xgboost")
    done = train.fn(
        folder,
        "fold-0-0",
        "smote",
        [arm],
        PLAN,
        PoolResult(scope="fold-0-0", synthesizer="smote", failure=None),
    )
    assert done["skipped"]
    assert "a fit may hold 1 MiB here" in done["failures"][arm.name]


def test_without_real_only_there_is_no_study(folder):
    with pytest.raises(FitTooLarge):
        train.fn(folder, "fold-0-0", "real-only", [Arm(Mix(), "xgboost")], PLAN, None)

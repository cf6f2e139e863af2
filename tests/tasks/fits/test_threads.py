"""Fits keep to the threads that were planned for their worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.scope import Scope
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.workers import LocalWorkers

# A thread that takes a larger share of a fit's processor time than this works on the fit. Others look after
# the worker: Arrow reads files with one, which takes milliseconds the first time, as long as a linear model.
SHARE_OF_A_BUSY_THREAD = 0.2
# Milliseconds that a processor was taken away count as worked: short fits are watched over several runs.
N_RUNS_OF_A_LEARNER = 5
JOBS = (
    f"SHARE = {SHARE_OF_A_BUSY_THREAD}"
    + """
import importlib, os, sys
from pathlib import Path

TASKS = Path("/proc/self/task")

def on_processor():
    "Nanoseconds that each thread of this process has run."
    return {tid: int((TASKS / tid / "schedstat").read_text().split()[0]) for tid in os.listdir(TASKS)}

def watched(function, n_runs=1, **kwargs):
    import pyarrow, threadpoolctl
    module, _, name = function.partition(":")
    run = getattr(importlib.import_module(module), name)
    before = on_processor()
    for _ in range(n_runs):
        run(**kwargs)
    took = [after - before.get(tid, 0) for tid, after in on_processor().items()]
    n_busy = sum(ns > SHARE * sum(took) for ns in took)
    pools = {pool["user_api"] + pool["prefix"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    torch = sys.modules.get("torch")
    return n_busy, {**pools, "arrow": pyarrow.cpu_count()} | ({"torch": torch.get_num_threads()} if torch else {})
"""
)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("jobs")
    (folder / "thread_jobs.py").write_text(JOBS)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def fits(scope: Scope) -> list[dict[str, Any]]:
    """The teacher, a GAN and every learner: what runs in a worker, in the order of a study."""
    learners = [Arm(Mix("ctgan", 5.0), name).to_dict() for name, spec in MODELS.items() if not spec.is_null]
    pool = {"synthesizer": "ctgan", "max_ratio": 5.0, "balances": ["prior"], "max_steps": 30}
    train = {"function": "realmix.tasks.fits.arms:train_arms", "batch": "all", "n_jobs": 1}
    train["n_runs"] = N_RUNS_OF_A_LEARNER
    calls = [
        {"function": "realmix.tasks.fits.teacher:fit_teacher", "members": [("xgboost", 0)], "n_jobs": 1},
        {"function": "realmix.tasks.fits.pools:synthesize", **pool},
        *({**train, "arms": [arm]} for arm in learners),
    ]
    return [{"folder": str(scope.folder), **call} for call in calls]


def test_no_fit_runs_more_threads_than_its_worker_has(scope: Scope, jobs: None) -> None:
    with LocalWorkers(1, threads_per_worker=1) as workers:
        for call in fits(scope):
            n_busy, limits = workers.run("thread_jobs:watched", **call)
            assert set(limits.values()) == {1}, f"{call['function']}: {limits}"
            assert n_busy == 1, f"{n_busy} threads worked on {call['function']} {call.get('arms', '')}"


@pytest.mark.parametrize("planned", [1, 2])
def test_a_learner_that_asks_for_two_threads_gets_those_of_its_worker(
    scope: Scope, jobs: None, planned: int
) -> None:
    with LocalWorkers(1, threads_per_worker=planned) as workers:
        for call in fits(scope)[:2]:
            workers.run(call.pop("function"), **call)
        arms = [Arm(Mix("ctgan", 5.0), "xgboost").to_dict()]
        call = {"function": "realmix.tasks.fits.arms:train_arms", "batch": "two", "n_jobs": 2, "arms": arms}
        call["n_runs"] = N_RUNS_OF_A_LEARNER
        n_busy, limits = workers.run("thread_jobs:watched", folder=str(scope.folder), **call)
        assert n_busy == planned
        assert max(limits.values()) == planned

"""Fits keep to the threads that were planned for their worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.core.arms import Arm, Mix
from tasks.core.workers import WorkerPool
from tasks.fits.scope import Scope
from tasks.models import MODELS

# More processor seconds than this in a second of the clock are more than one thread at work.
CORES_OF_ONE_THREAD = 1.15
JOBS = """
import importlib, sys, time

def watched(function, **kwargs):
    import pyarrow, threadpoolctl
    module, _, name = function.partition(":")
    run = getattr(importlib.import_module(module), name)
    wall, cpu = time.perf_counter(), time.process_time()
    run(**kwargs)
    cores = (time.process_time() - cpu) / (time.perf_counter() - wall)
    pools = {pool["user_api"] + pool["prefix"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    torch = sys.modules.get("torch")
    return cores, {**pools, "arrow": pyarrow.cpu_count()} | ({"torch": torch.get_num_threads()} if torch else {})
"""


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
    train = {"function": "tasks.fits.arms:train_arms", "batch": "all", "n_jobs": 1}
    calls = [
        {"function": "tasks.fits.teacher:fit_teacher", "members": [("xgboost", 0)], "n_jobs": 1},
        {"function": "tasks.fits.pools:synthesize", **pool},
        *({**train, "arms": [arm]} for arm in learners),
    ]
    return [{"folder": str(scope.folder), **call} for call in calls]


def test_no_fit_runs_more_threads_than_its_worker_has(scope: Scope, jobs: None) -> None:
    with WorkerPool(1, threads_per_worker=1) as pool:
        for call in fits(scope):
            cores, limits = pool.run("thread_jobs:watched", **call)
            assert set(limits.values()) == {1}, f"{call['function']}: {limits}"
            assert cores < CORES_OF_ONE_THREAD, f"{call['function']} used {cores:.2f} processors"


def test_a_worker_with_two_threads_would_be_noticed(scope: Scope, jobs: None) -> None:
    with WorkerPool(1, threads_per_worker=2) as pool:
        _, limits = pool.run("thread_jobs:watched", **fits(scope)[0])
        assert max(limits.values()) == 2

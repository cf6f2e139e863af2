"""Where a study runs: what is refused, and what the steps then find."""

from __future__ import annotations

import importlib.util

import pytest
from prefect.task_runners import ThreadPoolTaskRunner

from realmix.flows.engines import choose
from realmix.flows.engines.choose import check_runner, open_workers, storage_here, task_runner, threads
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.workers import LocalWorkers, current_workers


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("threads", "tcp://10.0.0.1:8786", None), "tcp://10.0.0.1:8786"),
        (("threads", None, "s3://me:s3cret@bucket/place"), "s3://bucket/place"),
    ],
)
def test_what_only_a_cluster_understands_is_refused_without_one(given, named):
    with pytest.raises(BadInput, match="--runner dask") as caught:
        check_runner(*given)
    assert named in str(caught.value) and "s3cret" not in str(caught.value)


def test_a_cluster_needs_its_library(monkeypatch):
    check_runner("dask", "tcp://10.0.0.1:8786", "s3://bucket/place")
    monkeypatch.setattr(choose, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="prefect-dask"):
        check_runner("dask", None)
    check_runner("threads", None)
    assert importlib.util.find_spec("prefect_dask") is not None


@pytest.mark.parametrize(("n_workers", "n_threads"), [(1, 16), (2, 16), (20, 40)])
def test_enough_threads_wait_for_all_workers(monkeypatch, n_workers, n_threads):
    monkeypatch.setattr(choose, "n_workers", lambda: n_workers)
    runner = threads()
    assert isinstance(runner, ThreadPoolTaskRunner) and runner._max_workers == n_threads


def test_threads_need_neither_a_scheduler_nor_a_folder(tmp_path):
    assert isinstance(task_runner("threads", None, tmp_path / "none"), ThreadPoolTaskRunner)
    assert not (tmp_path / "none").exists()


def test_outside_of_a_cluster_files_need_no_storage():
    assert storage_here(None, "study-1") is None
    assert storage_here("s3://bucket/that-is-never-asked", "study-1") is None


def test_on_this_machine_steps_find_local_workers_until_the_block_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(choose, "n_workers", lambda: 1)
    with open_workers(tmp_path / "workers.log"):
        workers = current_workers()
        assert isinstance(workers, LocalWorkers)
        assert workers.run("realmix.tasks.runtime.worker_process:ping")["pid"]
    with pytest.raises(RuntimeError):
        current_workers()

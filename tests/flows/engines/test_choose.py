"""Where a study runs: what is refused, and what the steps then find."""

from __future__ import annotations

import pytest
from prefect.task_runners import ThreadPoolTaskRunner

from realmix.flows.engines import choose
from realmix.flows.engines.choose import open_workers, storage_here, task_runner, threads
from realmix.tasks.runtime.workers import LocalWorkers, current_workers


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

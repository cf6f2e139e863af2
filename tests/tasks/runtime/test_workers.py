"""Workers: isolated, bounded, replaced when they end, and never left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from realmix.tasks.core.errors import (
    FitTimedOut,
    FitTooLarge,
    StudyInterrupted,
    WorkerDied,
    WorkerError,
)
from realmix.tasks.runtime import workers as workers_module
from realmix.tasks.runtime.workers import LocalWorkers, current_workers
from tests.tasks.runtime.conftest import ended_within


def test_a_function_runs_in_another_process_which_stays_warm(workers: LocalWorkers) -> None:
    pids = {workers.run("realmix.tasks.runtime.worker_process:ping")["pid"] for _ in range(4)}
    assert os.getpid() not in pids and len(pids) <= 2


def test_a_fit_beyond_its_limit_is_ended_and_its_worker_replaced(workers: LocalWorkers) -> None:
    started = time.monotonic()
    with pytest.raises(FitTimedOut, match=r"worker_jobs:spin ran longer than its limit of 0\.5 s"):
        workers.run("worker_jobs:spin", timeout_seconds=0.5)
    assert time.monotonic() - started < 2
    assert sorted(run_at_once(workers, 2)) == sorted(set(run_at_once(workers, 2)))


def test_a_fit_that_takes_too_much_memory_is_ended_and_the_others_go_on(workers: LocalWorkers) -> None:
    with LocalWorkers(1, memory_bytes=200 * 2**20) as small:
        with pytest.raises(FitTooLarge, match=r"held [2-9]\d\d MiB .* a fit may hold 200 MiB here"):
            small.run("worker_jobs:hoard", n_mb=300, timeout_seconds=60)
        assert small.run("worker_jobs:echo", value=1) == 1


def run_at_once(workers: LocalWorkers, n_calls: int) -> list[int]:
    """Process ids of calls that overlap."""
    with ThreadPoolExecutor(n_calls) as threads:
        return list(threads.map(lambda _: workers.run("worker_jobs:sleep", seconds=0.2), range(n_calls)))


def test_a_timeout_ends_what_the_fit_had_started(workers: LocalWorkers) -> None:
    with LocalWorkers(1) as small:
        child = small.run("worker_jobs:start_child")
        with pytest.raises(FitTimedOut):
            small.run("worker_jobs:sleep", seconds=60, timeout_seconds=0.2)
        assert ended_within(2, [child])


@pytest.mark.parametrize(
    ("function", "kwargs", "words"),
    [("end", {"code": 3}, "exit code 3"), ("crash", {}, "SIGSEGV")],
)
def test_a_worker_that_dies_is_named_and_the_others_go_on(
    workers: LocalWorkers, function: str, kwargs: dict[str, int], words: str
) -> None:
    with pytest.raises(WorkerDied, match=words):
        workers.run(f"worker_jobs:{function}", **kwargs)
    assert len(set(run_at_once(workers, 2))) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_log_does_not_end_a_worker_that_fails() -> None:
    with LocalWorkers(1, log_path=Path("/dev/full")) as workers:
        pid = workers.run("os:getpid")
        with pytest.raises(WorkerError, match="JSONDecodeError"):
            workers.run("json:loads", s="{")
        assert workers.run("os:getpid") == pid


def test_a_worker_that_died_while_idle_costs_one_call(workers: LocalWorkers) -> None:
    with LocalWorkers(1) as small:
        os.kill(small.run("realmix.tasks.runtime.worker_process:ping")["pid"], signal.SIGKILL)
        with pytest.raises(WorkerDied, match="memory"):
            small.run("realmix.tasks.runtime.worker_process:ping")
        assert small.run("realmix.tasks.runtime.worker_process:ping")["pid"]


def test_many_threads_share_two_workers_and_each_gets_its_own_answer(workers: LocalWorkers) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda i: workers.run("worker_jobs:echo", value=[i] * 1000), range(200)))
    assert answers == [[i] * 1000 for i in range(200)]


def test_kill_ends_all_workers_and_every_waiting_call(workers: LocalWorkers) -> None:
    with LocalWorkers(1) as doomed:
        pid = doomed.run("realmix.tasks.runtime.worker_process:ping")["pid"]
        errors: list[BaseException] = []
        calls = [threading.Thread(target=collect, args=(doomed, errors)) for _ in range(3)]
        for call in calls:
            call.start()
        time.sleep(0.3)
        started = time.monotonic()
        doomed.kill()
        for call in calls:
            call.join()
        assert time.monotonic() - started < 2
        assert [type(error) for error in errors] == [StudyInterrupted] * 3
        assert ended_within(1, [pid])
        with pytest.raises(StudyInterrupted):
            doomed.run("realmix.tasks.runtime.worker_process:ping")


def collect(workers: LocalWorkers, errors: list[BaseException]) -> None:
    try:
        workers.run("worker_jobs:sleep", seconds=60)
    except StudyInterrupted as error:
        errors.append(error)


def test_leaving_the_block_leaves_no_process() -> None:
    with LocalWorkers(2) as brief:
        pids = run_at_once(brief, 2)
    assert len(pids) == 2 and ended_within(1, pids)


def test_the_open_workers_are_found_from_any_thread(workers: LocalWorkers) -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(current_workers).result() is workers
        with LocalWorkers(1) as inner:
            assert threads.submit(current_workers).result() is inner
        assert current_workers() is workers


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a stand-in of the fork server was asked, in order."""
    asked: list[str] = []

    class Server:
        def preload(self, modules: list[str]) -> None:
            asked.extend(f"import {name}" for name in modules)

    class Worker:
        def __init__(self, server: Server, log_path: Path | None) -> None:
            asked.append("fork")

        def kill(self) -> None: ...

    monkeypatch.setattr(workers_module, "fork_server", lambda n_threads: Server())
    monkeypatch.setattr(workers_module, "_Worker", Worker)
    return asked


def test_before_the_server_imports_and_forks_nobody_every_worker_is_forked(counted: list[str]) -> None:
    workers = LocalWorkers(3)
    workers._give_back(workers._take_worker())
    workers._preload(["wave"])
    assert counted == ["fork", "fork", "fork", "import wave"]


def test_workers_that_were_killed_import_nothing_and_complain_of_nothing(counted: list[str]) -> None:
    workers = LocalWorkers(3)
    workers.kill()
    workers._preload(["wave"])
    assert counted == []


def test_less_than_one_worker_is_refused() -> None:
    with pytest.raises(ValueError, match="n_workers=0"):
        LocalWorkers(0)

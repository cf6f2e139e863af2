"""Workers: isolated, bounded, replaced when they end, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from realmix.tasks.core.errors import (
    BadInput,
    FitTimedOut,
    FitTooLarge,
    StudyInterrupted,
    WorkerDied,
    WorkerError,
)
from realmix.tasks.runtime.workers import LocalWorkers, current_workers

JOBS = """
import ctypes, os, subprocess, sys, threading, time
from realmix.tasks.core.errors import BadInput

def refuse(): raise BadInput("Got 3 rows, expected 60.")
def stumble(): raise ValueError("no\\n  such thing")
def unpicklable(): return lambda: None
def leave(): sys.exit(7)
def end(code): os._exit(code)
def crash(): ctypes.string_at(0)
def sleep(seconds): time.sleep(seconds); return os.getpid()
def spin():
    while True: pass
def chat(): print("library noise", flush=True); os.write(2, b"more noise")
def read_stdin(): return sys.stdin.read()
def start_child(): return subprocess.Popen(["sleep", "60"]).pid
def echo(value): return value
def hoard(n_mb): kept = bytearray(n_mb * 2**20); kept[::4096] = b"x" * len(kept[::4096]); time.sleep(60)
def threads():
    import numpy as np, threadpoolctl
    from sklearn.ensemble import HistGradientBoostingClassifier
    np.ones((64, 64)) @ np.ones((64, 64))
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkers]:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "worker_jobs.py").write_text(JOBS)
    sys.path.insert(0, str(folder))
    with LocalWorkers(2, log_path=folder / "workers.log") as opened:
        yield opened
    sys.path.remove(str(folder))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def ended_within(seconds: float, pids: list[int]) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_function_runs_in_another_process_which_stays_warm(pool: LocalWorkers) -> None:
    pids = {pool.run("realmix.tasks.runtime.worker_process:ping")["pid"] for _ in range(4)}
    assert os.getpid() not in pids and len(pids) <= 2


def test_an_error_of_ours_comes_back_with_its_type_and_sentence(pool: LocalWorkers) -> None:
    with pytest.raises(BadInput, match=r"^Got 3 rows, expected 60\.$"):
        pool.run("worker_jobs:refuse")


def test_of_another_error_only_the_type_comes_back_and_the_log_holds_the_rest(pool: LocalWorkers) -> None:
    with pytest.raises(WorkerError) as caught:
        pool.run("worker_jobs:stumble")
    sentence = "worker_jobs:stumble raised ValueError. The traceback is in workers.log."
    assert str(caught.value) == sentence, "a library's message may quote the table"
    assert "worker_jobs.py" in caught.value.traceback
    assert pool.log_path is not None
    assert "ValueError: no\n  such thing" in pool.log_path.read_text()


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("unpicklable", "PicklingError|AttributeError"),
        ("leave", "SystemExit"),
        ("absent", "AttributeError"),
    ],
)
def test_odd_failures_are_errors_of_that_call_only(pool: LocalWorkers, function: str, error: str) -> None:
    with pytest.raises(WorkerError, match=error):
        pool.run(f"worker_jobs:{function}")
    assert pool.run("worker_jobs:echo", value=1) == 1


def test_a_fit_beyond_its_limit_is_ended_and_its_worker_replaced(pool: LocalWorkers) -> None:
    started = time.monotonic()
    with pytest.raises(FitTimedOut, match=r"worker_jobs:spin ran longer than its limit of 0\.5 s"):
        pool.run("worker_jobs:spin", timeout_seconds=0.5)
    assert time.monotonic() - started < 2
    assert sorted(run_at_once(pool, 2)) == sorted(set(run_at_once(pool, 2)))


def test_a_fit_that_takes_too_much_memory_is_ended_and_the_pool_goes_on(pool: LocalWorkers) -> None:
    with LocalWorkers(1, memory_bytes=200 * 2**20) as small:
        with pytest.raises(FitTooLarge, match=r"held [2-9]\d\d MiB .* a fit may hold 200 MiB here"):
            small.run("worker_jobs:hoard", n_mb=300, timeout_seconds=60)
        assert small.run("worker_jobs:echo", value=1) == 1


def run_at_once(pool: LocalWorkers, n_calls: int) -> list[int]:
    """Process ids of calls that overlap."""
    with ThreadPoolExecutor(n_calls) as threads:
        return list(threads.map(lambda _: pool.run("worker_jobs:sleep", seconds=0.2), range(n_calls)))


def test_a_timeout_ends_what_the_fit_had_started(pool: LocalWorkers) -> None:
    with LocalWorkers(1) as small:
        child = small.run("worker_jobs:start_child")
        with pytest.raises(FitTimedOut):
            small.run("worker_jobs:sleep", seconds=60, timeout_seconds=0.2)
        assert ended_within(2, [child])


@pytest.mark.parametrize(
    ("function", "kwargs", "words"),
    [("end", {"code": 3}, "exit code 3"), ("crash", {}, "SIGSEGV")],
)
def test_a_worker_that_dies_is_named_and_the_pool_goes_on(
    pool: LocalWorkers, function: str, kwargs: dict[str, int], words: str
) -> None:
    with pytest.raises(WorkerDied, match=words):
        pool.run(f"worker_jobs:{function}", **kwargs)
    assert len(set(run_at_once(pool, 2))) == 2


def test_a_worker_that_died_while_idle_costs_one_call(pool: LocalWorkers) -> None:
    with LocalWorkers(1) as small:
        os.kill(small.run("realmix.tasks.runtime.worker_process:ping")["pid"], signal.SIGKILL)
        with pytest.raises(WorkerDied, match="memory"):
            small.run("realmix.tasks.runtime.worker_process:ping")
        assert small.run("realmix.tasks.runtime.worker_process:ping")["pid"]


def test_many_threads_share_two_workers_and_each_gets_its_own_answer(pool: LocalWorkers) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda i: pool.run("worker_jobs:echo", value=[i] * 1000), range(200)))
    assert answers == [[i] * 1000 for i in range(200)]


def test_large_values_pass_both_ways(pool: LocalWorkers) -> None:
    value = b"x" * 5_000_000
    assert pool.run("worker_jobs:echo", value=value) == value


def test_numerical_libraries_keep_to_the_planned_threads(pool: LocalWorkers) -> None:
    counts = pool.run("worker_jobs:threads")
    assert len(counts) >= 2 and max(counts) == 1


def test_noise_of_libraries_goes_to_the_log_and_not_to_the_terminal(
    pool: LocalWorkers, capfd: pytest.CaptureFixture[str]
) -> None:
    pool.run("worker_jobs:chat")
    assert pool.log_path is not None
    assert "library noise\nmore noise" in pool.log_path.read_text()
    assert capfd.readouterr() == ("", "")


def test_a_function_that_reads_stdin_gets_nothing_instead_of_hanging(pool: LocalWorkers) -> None:
    assert pool.run("worker_jobs:read_stdin", timeout_seconds=5) == ""


def test_workers_leave_ctrl_c_to_their_parent(pool: LocalWorkers) -> None:
    pid = pool.run("realmix.tasks.runtime.worker_process:ping")["pid"]
    os.kill(pid, signal.SIGINT)
    assert pid in {pool.run("realmix.tasks.runtime.worker_process:ping")["pid"] for _ in range(4)}


def test_kill_ends_all_workers_and_every_waiting_call(pool: LocalWorkers) -> None:
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


def collect(pool: LocalWorkers, errors: list[BaseException]) -> None:
    try:
        pool.run("worker_jobs:sleep", seconds=60)
    except StudyInterrupted as error:
        errors.append(error)


def test_leaving_the_block_leaves_no_process() -> None:
    with LocalWorkers(2) as brief:
        pids = [worker.process.pid for worker in brief._all]
    assert len(pids) == 2 and ended_within(1, pids)


def test_the_open_pool_is_found_from_any_thread(pool: LocalWorkers) -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(current_workers).result() is pool
        with LocalWorkers(1) as inner:
            assert threads.submit(current_workers).result() is inner
        assert current_workers() is pool


def test_an_empty_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="n_workers >= 1"):
        LocalWorkers(0)


# A shell that starts tests in the background makes them, and all they start, ignore SIGINT.
PARENT = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {jobs!r})
from realmix.tasks.runtime.workers import LocalWorkers
with LocalWorkers(3) as pool:
    threading.Thread(target=lambda: pool.run("worker_jobs:spin"), daemon=True).start()
    time.sleep(0.5)
    print(*(worker.process.pid for worker in pool._all), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_its_parent_idle_or_busy(pool: LocalWorkers, how: signal.Signals) -> None:
    assert pool.log_path is not None
    script = textwrap.dedent(PARENT.format(jobs=str(pool.log_path.parent)))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 3 and all(map(is_alive, pids))
        parent.send_signal(how)
        assert ended_within(2, pids)

"""What a worker process does with a call, with its output, and when its parent ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from realmix.tasks.core.errors import (
    BadInput,
    WorkerError,
)
from realmix.tasks.runtime.workers import LocalWorkers
from tests.tasks.runtime.conftest import ended_within, is_alive


def test_an_error_of_ours_comes_back_with_its_type_and_sentence(workers: LocalWorkers) -> None:
    with pytest.raises(BadInput, match=r"^Got 3 rows, expected 60\.$"):
        workers.run("worker_jobs:refuse")


def test_a_full_disk_is_said_with_the_folder_and_what_to_do(workers: LocalWorkers) -> None:
    with pytest.raises(BadInput, match=r"Cannot write .*no space is left.*Free some space"):
        workers.run("worker_jobs:fill")


def test_of_another_error_only_the_type_comes_back_and_the_log_holds_the_rest(workers: LocalWorkers) -> None:
    with pytest.raises(WorkerError) as caught:
        workers.run("worker_jobs:stumble")
    sentence = "worker_jobs:stumble raised ValueError. The traceback is in workers.log."
    assert str(caught.value) == sentence, "a library's message may quote the table"
    assert "worker_jobs.py" in caught.value.traceback
    assert workers.log_path is not None
    assert "ValueError: no\n  such thing" in workers.log_path.read_text()


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("unpicklable", "PicklingError|AttributeError"),
        ("leave", "SystemExit"),
        ("absent", "AttributeError"),
    ],
)
def test_odd_failures_are_errors_of_that_call_only(workers: LocalWorkers, function: str, error: str) -> None:
    with pytest.raises(WorkerError, match=error):
        workers.run(f"worker_jobs:{function}")
    assert workers.run("worker_jobs:echo", value=1) == 1


def test_large_values_pass_both_ways(workers: LocalWorkers) -> None:
    value = b"x" * 5_000_000
    assert workers.run("worker_jobs:echo", value=value) == value


def test_numerical_libraries_keep_to_the_planned_threads(workers: LocalWorkers) -> None:
    counts = workers.run("worker_jobs:threads")
    assert len(counts) >= 2 and max(counts) == 1


def test_noise_of_libraries_goes_to_the_log_and_not_to_the_terminal(
    workers: LocalWorkers, capfd: pytest.CaptureFixture[str]
) -> None:
    workers.run("worker_jobs:chat")
    assert workers.log_path is not None
    assert "library noise\nmore noise" in workers.log_path.read_text()
    assert capfd.readouterr() == ("", "")


def test_a_function_that_reads_stdin_gets_nothing_instead_of_hanging(workers: LocalWorkers) -> None:
    assert workers.run("worker_jobs:read_stdin", timeout_seconds=5) == ""


def test_workers_leave_ctrl_c_to_their_parent(workers: LocalWorkers) -> None:
    pid = workers.run("realmix.tasks.runtime.worker_process:ping")["pid"]
    os.kill(pid, signal.SIGINT)
    assert pid in {workers.run("realmix.tasks.runtime.worker_process:ping")["pid"] for _ in range(4)}


# A shell that starts tests in the background makes them, and all they start, ignore SIGINT.
PARENT = """
import signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {jobs!r})
from realmix.tasks.runtime.workers import LocalWorkers
with LocalWorkers(3) as workers:
    threading.Thread(target=lambda: workers.run("worker_jobs:spin"), daemon=True).start()
    time.sleep(0.5)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: workers.run("worker_jobs:sleep", seconds=0.5), range(2)))
    print(*(worker.pid for worker in workers._all), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_its_parent_idle_or_busy(workers: LocalWorkers, how: signal.Signals) -> None:
    assert workers.log_path is not None
    script = textwrap.dedent(PARENT.format(jobs=str(workers.log_path.parent)))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 3 and all(map(is_alive, pids))
        parent.send_signal(how)
        assert ended_within(2, pids)

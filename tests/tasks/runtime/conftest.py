"""Two workers, and what the tests of workers call in them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realmix.tasks.runtime.workers import LocalWorkers

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
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkers]:
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

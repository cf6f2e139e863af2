"""Two workers, what their tests call in them, a home of its own, and the state on both engines."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from realmix.tasks.runtime.workers import LocalWorkers

JOBS = """
import ctypes, os, subprocess, sys, threading, time
from realmix.tasks.core.errors import BadInput

def refuse(): raise BadInput("Got 3 rows, expected 60.")
def stumble(): raise ValueError("no\\n  such thing")
def fill(): raise OSError(28, "No space left on device")
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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home whose state is its own file."""
    monkeypatch.delenv("REALMIX_STATE_URL", raising=False)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def new_database(postgresql_url: str) -> Callable[[], str]:
    """Makes databases on a PostgreSQL server; their URLs."""

    def make() -> str:
        name = f"state_{uuid.uuid4().hex[:8]}"
        engine = create_engine(postgresql_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty state; its engine's name."""
    if request.param == "postgresql":
        monkeypatch.setenv("REALMIX_STATE_URL", request.getfixturevalue("new_database")())
    return str(request.param)

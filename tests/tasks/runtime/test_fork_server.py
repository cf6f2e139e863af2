"""The fork server: libraries imported once, one thread, and workers that see what this process is now."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from realmix.tasks.runtime.fork_server import fork_server
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.synthesizers import SYNTHESIZERS

FACTS = """
import os, sys
def loaded(name): return name in sys.modules
def variable(name): return os.environ.get(name)
def folder(): return os.getcwd()
"""


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "facts_of_a_fork.py").write_text(FACTS)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_server_has_one_thread_with_every_library_that_studies_use() -> None:
    server = fork_server(1)
    assert server._ask("threads") == 1
    server.preload(sorted({name for spec in SYNTHESIZERS.values() for name in spec.libraries}))
    assert server._ask("threads") == 1


@pytest.mark.usefixtures("facts")
def test_a_worker_finds_the_libraries_imported() -> None:
    with LocalWorkers(1) as workers:
        assert workers.run("facts_of_a_fork:loaded", name="xgboost")


@pytest.mark.usefixtures("facts")
def test_a_worker_sees_the_environment_and_folder_of_its_caller_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_server(1)
    monkeypatch.setenv("REALMIX_TRIED", "later")
    monkeypatch.chdir(tmp_path)
    with LocalWorkers(1) as workers:
        assert workers.run("facts_of_a_fork:variable", name="REALMIX_TRIED") == "later"
        assert Path(workers.run("facts_of_a_fork:folder")) == tmp_path


@pytest.mark.usefixtures("facts")
def test_workers_without_a_preloaded_module_are_replaced_after_their_fit() -> None:
    with LocalWorkers(1) as workers:
        assert not workers.run("facts_of_a_fork:loaded", name="wave")
        workers.preload(["wave"])
        deadline = time.monotonic() + 20
        while not workers.run("facts_of_a_fork:loaded", name="wave"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_library_that_starts_a_thread_is_left_to_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (tmp_path / "busy_library.py").write_text(module)
    server = fork_server(1)
    server._process.kill()
    server._process.wait()
    monkeypatch.syspath_prepend(str(tmp_path))
    with LocalWorkers(1) as workers:
        workers.run("os:getpid")
        server.preload(["busy_library"])
        assert server._ask("threads") == 1
        assert workers.run("os:getpid") != os.getpid()


def test_a_server_that_was_ended_is_started_again() -> None:
    server = fork_server(1)
    with LocalWorkers(1) as workers:
        before = workers.run("os:getpid")
        server._process.kill()
        server._process.wait()
        assert workers.run("os:getpid") == before, "its workers go on"
        with LocalWorkers(1) as others:
            assert others.run("os:getpid") != before

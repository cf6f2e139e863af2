"""One `realmix up` per home: a lock that ends with its process, addresses that others can trust."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from realmix.flows.local.addresses import ADDRESSES, LOCK, is_locked, running
from realmix.flows.local.supervisor import hold_port, mlflow_command, mlflow_store
from realmix.flows.local.up import asked_to_stop, down, only_one
from realmix.tasks.core.errors import BadInput

# Holds the lock as `realmix up` does, and says so.
HOLDER = """
import json, os, sys, time
from realmix.flows.local.supervisor import ADDRESSES
from realmix.flows.local.up import asked_to_stop, only_one
from realmix.tasks.runtime.study_folder import home
with only_one(), asked_to_stop() as stop:
    said = {"pid": os.getpid(), "prefect_api_url": "http://p/api", "mlflow_tracking_uri": "http://m"}
    (home() / ADDRESSES).write_text(json.dumps(said))
    print("held", flush=True)
    stop.wait(60)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home of its own."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(place):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_without_up_there_are_no_addresses(place, capsys):
    assert running() is None and not is_locked()
    down()
    assert capsys.readouterr().out == f"`realmix up` is not running in {place}.\n"


def test_a_second_up_refuses_with_one_sentence(place, holder):
    with pytest.raises(BadInput, match=rf"already runs in .* as process {holder.pid}: .*realmix down"):
        only_one().__enter__()
    assert running()["pid"] == holder.pid


def test_a_lock_left_by_a_kill_is_no_obstacle(place, holder):
    holder.kill()
    holder.wait()
    assert (place / LOCK).exists() and (place / ADDRESSES).exists()
    assert running() is None
    with only_one():
        assert not (place / ADDRESSES).exists()


def test_down_ends_up_and_waits_for_it(place, holder, capsys):
    down()
    assert holder.wait(timeout=1) == 0
    assert not is_locked() and not (place / ADDRESSES).exists()
    assert capsys.readouterr().out == "Stopped.\n"


def test_looking_whether_it_runs_does_not_stop_it_from_starting(place):
    looking = "import time\nfrom realmix.flows.local.up import is_locked\nend = time.monotonic() + 2\nwhile time.monotonic() < end: is_locked()"
    process = subprocess.Popen([sys.executable, "-c", looking])
    try:
        for _ in range(100):
            with only_one():
                time.sleep(0.001)
    finally:
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_to_end_it_is_heard(number):
    with asked_to_stop() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(1)


def test_a_port_in_use_gives_another_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with hold_port(port) as other:
            assert other.getsockname()[1] not in (0, port)
    with hold_port(port) as same:
        assert same.getsockname() == ("127.0.0.1", port)


def test_secrets_of_a_store_are_in_no_command_line(monkeypatch):
    uri = "postgresql+psycopg2://realmix:s3cret@127.0.0.1/mlflow"
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", uri)
    assert mlflow_store()["MLFLOW_BACKEND_STORE_URI"] == uri
    assert not any("s3cret" in part for part in mlflow_command(5000))


def test_without_a_store_for_files_they_lie_where_commands_without_a_server_look(place, monkeypatch):
    monkeypatch.delenv("MLFLOW_BACKEND_STORE_URI", raising=False)
    monkeypatch.delenv("MLFLOW_ARTIFACTS_DESTINATION", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/mlflow.db")
    store = mlflow_store()
    assert store["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{place}/mlflow.db"
    assert Path(store["MLFLOW_DEFAULT_ARTIFACT_ROOT"].removeprefix("file://")) == place / "mlartifacts"


def test_the_addresses_of_a_running_up_are_read(place, holder):
    assert running() == json.loads((place / ADDRESSES).read_text())

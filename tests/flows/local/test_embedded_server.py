"""The embedded server: up before a flow needs it, gone with its process, and plain words where it fails."""

from __future__ import annotations

import os
from urllib.request import urlopen

import pytest

from realmix.flows.local import environment
from realmix.flows.local.embedded_server import EmbeddedServer
from realmix.tasks.core.errors import RealmixError


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Not started, in a home of its own."""
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    environment.make_home()
    server = EmbeddedServer()
    yield server
    server.stop()


def test_it_answers_on_loopback_and_leaves_no_process(server):
    assert os.environ["PREFECT_API_URL"] == server.api_url
    server.start()
    server.wait()
    assert server.api_url.startswith("http://127.0.0.1:")
    with urlopen(f"{server.api_url}/health") as answer:
        assert answer.status == 200
    process = server._process
    server.stop()
    assert process.poll() is not None
    server.stop()


def test_a_server_that_cannot_start_is_one_sentence(server, monkeypatch):
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "none://")
    server.start()
    with pytest.raises(RealmixError, match=r"did not start; see .*server\.log"):
        server.wait()


def test_two_servers_of_one_machine_have_ports_of_their_own(server):
    other = EmbeddedServer()
    assert other.api_url != server.api_url
    other.stop()

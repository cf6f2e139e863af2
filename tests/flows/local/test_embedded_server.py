"""The embedded server: up before a flow needs it, gone with its process, and plain words where it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from realmix.flows.local import environment
from realmix.flows.local.embedded_server import EmbeddedServer
from realmix.tasks.core.errors import RealmixError


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Not started, in a home of its own."""
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", "")
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
    asked = Request(f"{server.api_url}/flows/count", b"{}", {"Content-Type": "application/json"})
    with pytest.raises(HTTPError) as refused:
        urlopen(asked)
    assert refused.value.code == 401
    refused.value.close()
    process = server._process
    server.stop()
    assert process.poll() is not None
    server.stop()


STARTS = """
from realmix.flows.local.embedded_server import EmbeddedServer
server = EmbeddedServer()
server.start()
server.wait()
print(server._process.pid, flush=True)
input()
"""


def test_it_ends_with_its_process_even_if_that_is_killed(server):
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        left = psutil.Process(int(process.stdout.readline()))
        process.kill()
    gone, _ = psutil.wait_procs([left], timeout=10)
    assert gone or left.status() == psutil.STATUS_ZOMBIE


def test_it_does_not_hear_what_is_sent_to_the_group_of_the_command(server):
    server.start()
    assert os.getpgid(server._process.pid) != os.getpgid(0)


def test_a_server_that_cannot_start_is_one_sentence(server, monkeypatch):
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "none://")
    server.start()
    with pytest.raises(RealmixError, match=r"did not start; see .*server\.log"):
        server.wait()


def test_two_servers_of_one_machine_have_ports_of_their_own(server):
    other = EmbeddedServer()
    assert other.api_url != server.api_url
    other.stop()

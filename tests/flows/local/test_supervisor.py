from __future__ import annotations

import http.server
import json
import os
import socket
import threading
from pathlib import Path

import pytest

from realmix.flows.local.access import password
from realmix.flows.local.addresses import ADDRESSES
from realmix.flows.local.supervisor import (
    Stopped,
    Supervisor,
    answers,
    mlflow_command,
    mlflow_store,
    prefect_command,
    reserve_port,
)
from realmix.tasks.core.errors import RealmixError


def test_a_port_in_use_gives_another_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with reserve_port(port) as other:
            assert other.getsockname()[1] not in (0, port)
    with reserve_port(port) as same:
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


def test_a_health_page_answers_or_not():
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert answers(f"{url}/health") and not answers(f"{url}/starting")
        server.shutdown()
        thread.join()
    assert not answers(f"{url}/health")


@pytest.mark.parametrize("url", ["http://127.0.0.1:abc", "http://[::1"])
def test_what_is_no_address_does_not_answer(url):
    assert not answers(f"{url}/health")


def test_a_port_with_another_protocol_does_not_answer(other_protocol):
    assert not answers(f"{other_protocol}/health")


def test_servers_listen_on_this_machine_only():
    for command in (prefect_command(4200), mlflow_command(4200)):
        assert command[command.index("--host") + 1] == "127.0.0.1"
        assert command[command.index("--port") + 1] == "4200"


def test_files_go_to_the_store_that_is_named(monkeypatch):
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "postgresql://db/mlflow")
    monkeypatch.setenv("MLFLOW_ARTIFACTS_DESTINATION", "s3://mlflow")
    assert mlflow_store() == {
        "MLFLOW_BACKEND_STORE_URI": "postgresql://db/mlflow",
        "MLFLOW_ARTIFACTS_DESTINATION": "s3://mlflow",
    }


@pytest.fixture
def supervisor(place):
    """A supervisor that has started nothing."""
    made = Supervisor(threading.Event(), {"EXTRA": "1"}, prefect_port=0, mlflow_port=0)
    yield made
    made.end()


def test_a_stop_is_heard_while_it_waits_for_a_server(supervisor):
    supervisor.stop.set()
    with pytest.raises(Stopped):
        supervisor.wait(None, "MLFLOW_TRACKING_URI", lambda: False)


def test_a_named_server_that_does_not_answer_is_named_by_its_variable(supervisor, monkeypatch):
    monkeypatch.setattr("realmix.flows.local.supervisor.NAMED_SECONDS", 0.0)
    monkeypatch.setattr("realmix.flows.local.supervisor.POLL_SECONDS", 0.01)
    with pytest.raises(RealmixError, match="MLFLOW_TRACKING_URI"):
        supervisor.wait(None, "MLFLOW_TRACKING_URI", lambda: False)


def test_others_find_the_addresses_that_are_written(supervisor, place, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://p/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://m")
    supervisor.write_addresses()
    assert json.loads((place / ADDRESSES).read_text()) == {
        "pid": os.getpid(), "prefect_api_url": "http://p/api", "mlflow_tracking_uri": "http://m", "login": {},
    }  # fmt: skip
    assert (place / ADDRESSES).stat().st_mode & 0o077 == 0


def test_the_password_is_written_for_the_servers_of_our_own_only(supervisor, place, monkeypatch):
    named = {"PREFECT_API_URL": "http://p/api", "MLFLOW_TRACKING_URI": "http://m"}
    named |= {"PREFECT_API_AUTH_STRING": "me:theirs", "MLFLOW_TRACKING_USERNAME": "realmix"}
    for name, value in (named | {"MLFLOW_TRACKING_PASSWORD": "ours"}).items():
        monkeypatch.setenv(name, value)
    supervisor.mlflow = supervisor.child("MLflow", "mlflow", ("none",))
    supervisor.write_addresses()
    login = json.loads((place / ADDRESSES).read_text())["login"]
    assert login == {"MLFLOW_TRACKING_USERNAME": "realmix", "MLFLOW_TRACKING_PASSWORD": "ours"}


@pytest.mark.parametrize(("auth", "is_said"), [(None, True), ("me:mine", False)])
def test_the_password_of_the_home_is_named_where_it_is_in_use(supervisor, monkeypatch, capsys, auth, is_said):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://m")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", auth or f"realmix:{password()}")
    supervisor.prefect = supervisor.child("Prefect", "prefect", ("none",))
    supervisor.print_addresses()
    assert ("Login:" in capsys.readouterr().out) is is_said


def test_a_port_in_use_is_replaced_and_both_are_named(supervisor, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        port = supervisor.port(wanted, "MLflow")
    assert port != wanted
    said = capsys.readouterr().out
    assert str(wanted) in said and str(port) in said and "MLflow" in said

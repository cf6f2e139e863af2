from __future__ import annotations

import socket
from pathlib import Path

from realmix.flows.local.supervisor import mlflow_command, mlflow_store, reserve_port


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

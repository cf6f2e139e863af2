"""A store or server of another MLflow is refused before a study, in one sentence with the fix."""

from __future__ import annotations

import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.mlflow_pages import runs_page
from realmix.tasks.study.tracking_store import check_tracking_store, pages_of
from tests.tasks.versions import WARNINGS, registry

pytestmark = WARNINGS


@pytest.fixture
def database(tmp_path):
    """MLflow's database of this version."""
    with registry(tmp_path) as place:
        yield place / "mlflow.db"


def set_revision(database, revision: str) -> None:
    connection = sqlite3.connect(database)
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


def test_a_database_of_this_version_is_taken(database):
    check_tracking_store()


def test_an_older_schema_is_refused_with_the_command_that_upgrades_it(database):
    set_revision(database, "451aebb31d03")
    with pytest.raises(
        BadInput, match=r"has the schema 451aebb31d03.*back it up, then run `mlflow db upgrade`"
    ):
        check_tracking_store()


def test_a_newer_schema_is_refused_and_no_downgrade_is_proposed(database):
    set_revision(database, "ffffffffffff")
    with pytest.raises(BadInput, match="a newer MLflow has made it"):
        check_tracking_store()


def test_no_database_is_made_by_looking_for_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    check_tracking_store()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "uri",
    [
        "databricks://prof",
        "postgresql://me@host:port/mlflow",
        "mysql+no_driver://host/mlflow",
        "mssql://host/mlflow",
    ],
)
def test_a_store_that_cannot_be_asked_stops_no_study(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    check_tracking_store()


def test_a_missing_driver_of_postgresql_is_named_with_the_extra_that_has_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me@host/mlflow")
    with pytest.raises(BadInput, match=r"PostgreSQL needs psycopg2.*-e '\.\[postgres\]'"):
        check_tracking_store()


@pytest.fixture
def server(monkeypatch):
    """A server that answers /version with whatever text its `version` is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.version.encode())

        def log_message(self, *_):
            pass

    found = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{found.server_port}")
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.mark.parametrize("version", ["2.22.0", "3.1.4", "4.0.0"])
def test_a_server_of_another_generation_is_refused_without_its_password(server, version):
    server.version = version
    with pytest.raises(BadInput, match=f"has version {version}") as refused:
        check_tracking_store()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("version", ["3.17.0", "3.99.1", "<html>"])
def test_a_server_as_new_as_the_client_and_an_unknown_answer_are_taken(server, version):
    server.version = version
    check_tracking_store()


def test_a_server_that_does_not_answer_stops_no_study(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    check_tracking_store()


def test_each_experiment_with_runs_has_a_page_and_an_absent_database_is_not_made(tmp_path):
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/pages.db"
    assert pages_of(uri) == {} and not (tmp_path / "pages.db").exists()
    client = MlflowClient(tracking_uri=uri)
    used = client.create_experiment("bank")
    client.create_experiment("unused")
    client.create_run(used)
    assert pages_of(uri) == {"bank": runs_page(used)}

"""The password of a home's servers: made once, readable by its user alone."""

from __future__ import annotations

import configparser
import http.server
import os
import stat
import threading
from pathlib import Path

import pytest

from realmix.flows.local.access import (
    PASSWORD,
    USERS,
    mlflow_access,
    password,
    prefect_access,
    why_no_prefect,
)
from realmix.tasks.core.errors import BadInput


def test_a_password_is_made_once_and_no_other_user_can_read_it(place):
    before = os.umask(0)
    try:
        made = password()
    finally:
        os.umask(before)
    assert len(made) >= 40 and password() == made
    assert stat.S_IMODE((place / PASSWORD).stat().st_mode) == 0o600


def test_a_password_that_others_could_read_is_replaced(place):
    (place / PASSWORD).write_text("known")
    (place / PASSWORD).chmod(0o644)
    (place / USERS).touch()
    assert password() != "known"
    assert not (place / USERS).exists(), "MLflow would still know the old one"


def test_a_password_that_no_mode_hides_is_refused(place, monkeypatch):
    def open_to_all(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o644)

    monkeypatch.setattr("realmix.flows.local.access.write_private", open_to_all)
    with pytest.raises(BadInput, match="Others may read"):
        password()


def test_prefect_s_server_and_its_clients_have_the_same_password(place):
    named = prefect_access(4200)
    assert named["PREFECT_API_AUTH_STRING"] == named["PREFECT_SERVER_API_AUTH_STRING"]
    assert named["PREFECT_API_AUTH_STRING"] == f"realmix:{password()}"
    assert named["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"


def test_mlflow_s_server_has_one_user_and_remembers_who_was_let_in(place):
    named = mlflow_access(5000)
    assert named["MLFLOW_AUTH_ADMIN_PASSWORD"] == named["MLFLOW_TRACKING_PASSWORD"] == password()
    assert named["MLFLOW_SERVER_ALLOWED_HOSTS"] == "127.0.0.1:5000"
    assert named["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:5000"
    written = configparser.ConfigParser()
    written.read(named["MLFLOW_AUTH_CONFIG_PATH"])
    settings = written["mlflow"]
    assert settings["admin_username"] == named["MLFLOW_TRACKING_USERNAME"]
    assert settings["database_uri"] == f"sqlite:///{place}/{USERS}"
    # Each request would hash the password again: a study logs ten times as slowly.
    assert settings.getint("auth_cache_ttl_seconds") >= 60
    assert password() not in Path(named["MLFLOW_AUTH_CONFIG_PATH"]).read_text()


def test_mlflow_reads_the_path_of_its_users_whatever_the_home_is_called(tmp_path, monkeypatch):
    home = tmp_path / "50%(of)s"
    home.mkdir()
    monkeypatch.setenv("REALMIX_HOME", str(home))
    written = configparser.ConfigParser()  # as MLflow does
    written.read(mlflow_access(5000)["MLFLOW_AUTH_CONFIG_PATH"])
    assert written["mlflow"]["database_uri"] == f"sqlite:///{home}/{USERS}"


@pytest.fixture
def prefect(monkeypatch):
    """Serves as a Prefect server whose password is `me:mine`, and which may be broken."""

    class Page(http.server.BaseHTTPRequestHandler):
        code = 200

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            is_known = self.headers["Authorization"] == "Basic bWU6bWluZQ=="
            self.send_response(self.code if is_known else 401)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
        yield Page
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("login", "code", "words"),
    [("me:mine", 200, None), ("me:guessed", 200, "refuses this login"), ("me:mine", 500, "an error (500)")],
)
def test_a_prefect_server_that_refuses_is_one_sentence(prefect, monkeypatch, login, code, words):
    prefect.code = code
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", login)
    said = why_no_prefect()
    assert said is None if words is None else words in said and login not in said


def test_a_prefect_server_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert "http://127.0.0.1:9/api does not answer" in why_no_prefect()


def test_a_port_with_another_protocol_is_one_sentence(other_protocol, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", f"{other_protocol}/api")
    assert "does not answer (BadStatusLine)" in why_no_prefect()

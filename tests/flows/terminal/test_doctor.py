"""The doctor names each fault with its fix."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from realmix.flows.terminal.doctor import doctor
from realmix.flows.terminal.tables import register
from realmix.tasks.runtime.database import registered_table
from realmix.tasks.runtime.state_upgrade import HEAD
from realmix.tasks.runtime.study_folder import home
from tests.flows.terminal.conftest import card

pytestmark = pytest.mark.usefixtures("restored_environment")


def said(subject: str) -> list[tuple[bool, str]]:
    return [(finding.is_ok, finding.message) for finding in doctor() if finding.subject.startswith(subject)]


def test_the_doctor_names_the_tier_and_each_fault_with_its_fix(place, monkeypatch):
    monkeypatch.setenv("HOOK", "https://example.org/secret")
    register(card(place, "{landing: incoming, notify: [HOOK, OTHER_HOOK]}"), None)
    assert said("tier")[0][1].startswith("embedded")
    assert said("table calls: landing") == [(False, f"there is no folder {place / 'incoming'}: create it.")]
    assert said("table calls: notify") == [(True, "HOOK is set"), (False, "OTHER_HOOK is not set: set it.")]
    (home() / "snapshots" / f"{registered_table('calls').snapshot}.parquet").unlink()
    assert "restore the file from a backup" in said("table calls")[-1][1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert said("tier")[0][1].startswith("cluster")
    for subject in ("mlflow", "prefect"):
        ((is_well, sentence),) = said(subject)
        assert not is_well
        assert "secret" not in sentence


def test_the_doctor_names_the_state_and_goes_on_where_it_cannot_be_used(place, monkeypatch):
    assert said("state") == [(True, f"sqlite:///{home() / 'state.sqlite'}, revision {HEAD}")]
    monkeypatch.setenv("REALMIX_STATE_URL", "postgresql://me:s3cret@127.0.0.1:1/team?application_name=s3cret")
    ((is_well, sentence),) = said("state")
    assert not is_well and "postgresql://127.0.0.1:1/team cannot be used" in sentence
    assert "s3cret" not in sentence and said("home")


def test_the_doctor_says_what_to_do_about_a_store_of_another_version(place, monkeypatch):
    database = place / "mlflow.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('451aebb31d03')")
        connection.commit()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    ((is_well, sentence),) = said("mlflow")
    assert not is_well and "mlflow db upgrade" in sentence

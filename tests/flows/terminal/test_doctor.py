"""The doctor names each fault with its fix."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from realmix.flows.terminal.doctor import doctor
from realmix.flows.terminal.tables import register
from realmix.tasks.core.lifecycle.champion_record import PROMOTION, REVIEW
from realmix.tasks.runtime.database import record_decision, registered_table
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


@pytest.fixture
def with_champion(place, monkeypatch):
    """A registered table whose record says that version 3 is its champion."""
    register(card(place), None)
    review = {
        "study": "s",
        "challenger_version": "3",
        "champion_version": None,
        "is_pending": False,
        "word": "first",
    }
    record_decision("calls", REVIEW, review | {"challenger_files": {"model": "0a1b"}})
    record_decision("calls", PROMOTION, {"version": "3", "replaces": None})
    return monkeypatch


@pytest.mark.parametrize(
    ("alias", "found", "words"),
    [
        ("3", {"model": "0a1b"}, "version 3, model's sha256 0a1b"),
        ("3", {"model": "evil"}, "was changed after it was recorded (model)"),
        ("7", {"model": "0a1b"}, "is not at version 3 of the record"),
    ],
)
def test_the_doctor_compares_the_champion_with_the_record(with_champion, alias, found, words):
    with_champion.setattr("realmix.tasks.lifecycle.promote.champion", lambda name: {"version": alias})
    with_champion.setattr("realmix.tasks.lifecycle.model_files.digests_in_registry", lambda *_: found)
    ((is_well, sentence),) = said("table calls: champion")
    assert words in sentence and is_well == (words == "version 3, model's sha256 0a1b")


def test_the_doctor_says_what_to_do_about_a_store_of_another_version(place, monkeypatch):
    database = place / "mlflow.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('451aebb31d03')")
        connection.commit()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    ((is_well, sentence),) = said("mlflow")
    assert not is_well and "mlflow db upgrade" in sentence

"""Where the state lies, what is said when it cannot be used, and that its changes are whole."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime import state_connection
from realmix.tasks.runtime.database import decisions, record_decision, registered_names
from realmix.tasks.runtime.state_connection import FILE, state_address, state_url, transaction
from tests.tasks.database import PASSWORD


def test_the_state_is_a_file_of_the_home_unless_a_database_is_named(home, monkeypatch):
    assert state_address() == f"sqlite:///{home / FILE}"
    monkeypatch.setenv("REALMIX_STATE_URL", f"postgres://me:{PASSWORD}@db:5433/team?sslmode=require")
    assert state_address() == "postgresql://db:5433/team"
    assert state_url().query == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"no url with {PASSWORD}", "no URL"),
        (f"postgresql://me:{PASSWORD}@db:{PASSWORD}/team", "no URL"),
        (f"mysql://me:{PASSWORD}@db/team", "begins with 'mysql'"),
        ("sqlite:///state.sqlite", "absolute path"),
        ("sqlite://", "absolute path"),
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/team", "postgresql://127.0.0.1:1/team cannot be used"),
    ],
)
def test_a_state_that_cannot_be_used_is_one_sentence_without_a_password(home, monkeypatch, url, said):
    monkeypatch.setenv("REALMIX_STATE_URL", url)
    with pytest.raises(BadInput) as caught:
        registered_names()
    error: BaseException | None = caught.value
    assert said in str(error)
    while error is not None:
        assert PASSWORD not in str(error)
        error = error.__cause__


def test_a_wrong_password_is_said_without_any_password(home, postgresql_url, monkeypatch):
    monkeypatch.setenv("REALMIX_STATE_URL", postgresql_url.replace(PASSWORD, "an-0ther"))
    with pytest.raises(BadInput, match="password authentication failed") as caught:
        registered_names()
    assert "an-0ther" not in str(caught.value)


def test_a_state_in_another_file_leaves_the_home_s_alone(home, tmp_path, monkeypatch):
    monkeypatch.setenv("REALMIX_STATE_URL", f"sqlite:///{tmp_path / 'elsewhere' / 'a.sqlite'}")
    record_decision("bank", "retraining", {})
    assert (tmp_path / "elsewhere" / "a.sqlite").exists() and not (home / FILE).exists()


def test_the_journal_is_one_that_works_on_a_shared_volume(home):
    registered_names()
    with sqlite3.connect(home / FILE) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
    assert {path.name for path in home.glob("state*")} == {FILE}


def test_an_error_undoes_the_whole_change(state):
    registered_names()
    with pytest.raises(ZeroDivisionError), transaction() as connection:
        connection.execute(text("INSERT INTO holdout_readers VALUES ('bank', 'study 1')"))
        1 / 0  # noqa: B018
    with transaction() as connection:
        assert connection.scalar(text("SELECT count(*) FROM holdout_readers")) == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decisions SET document = '{}'",
        "DELETE FROM decisions",
        "INSERT INTO decisions SELECT id, table_name, made_at, kind, '{}', previous, digest FROM decisions",
    ],
)
def test_a_decision_can_neither_be_changed_nor_removed(state, change):
    record_decision("bank", "retraining", {"level": "skip"})
    with pytest.raises(DatabaseError), transaction() as connection:
        connection.execute(text(change))
    assert [entry.document for entry in decisions("bank")] == [{"level": "skip"}]


def test_no_row_of_sqlite_s_decisions_is_replaced_and_postgresql_s_table_is_not_emptied(state):
    record_decision("bank", "retraining", {"level": "skip"})
    change = (
        "INSERT OR REPLACE INTO decisions SELECT id, table_name, made_at, kind, '{}', previous, digest FROM decisions"
        if state == "sqlite"
        else "TRUNCATE decisions"
    )
    with pytest.raises(DatabaseError, match="decision cannot be changed"), transaction() as connection:
        connection.execute(text(change))
    assert [entry.document for entry in decisions("bank")] == [{"level": "skip"}]


def test_a_server_that_takes_no_changes_is_one_sentence(home, new_database, monkeypatch):
    monkeypatch.setenv("REALMIX_STATE_URL", new_database())
    registered_names()
    with pytest.raises(BadInput, match="read-only transaction"), transaction() as connection:
        connection.execute(text("SET LOCAL transaction_read_only = on"))
        connection.execute(text("INSERT INTO holdout_readers VALUES ('bank', 'study 1')"))


def test_the_home_s_own_state_is_opened_once_however_its_path_is_spelled(home, tmp_path, monkeypatch):
    monkeypatch.setattr(state_connection, "PATIENCE_SECONDS", 0.1)
    record_decision("bank", "retraining", {})
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("REALMIX_STATE_URL", f"sqlite:///{tmp_path / 'link' / FILE}")
    assert len(decisions("bank")) == 1


def test_a_server_that_was_reached_before_is_waited_for(home, new_database, monkeypatch):
    monkeypatch.setenv("REALMIX_STATE_URL", new_database())
    registered_names()
    engine, calls = state_connection._engine(state_url()), []

    class Away:
        def connect(self):
            calls.append(1)
            if len(calls) < 3:
                raise state_connection.OperationalError("connect", {}, Exception("server is away"))
            return engine.connect()

    monkeypatch.setattr(state_connection, "_engine", lambda url: Away())
    assert registered_names() == [] and len(calls) == 3

"""Tables are made once, and a home of the first release goes on with all it had."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from realmix.tasks.core.errors import BadInput
from realmix.tasks.lifecycle.admit import admit_waiting
from realmix.tasks.runtime.database import (
    batches,
    decisions,
    read_cursor,
    record_decision,
    registered_names,
    registered_table,
    untracked_studies,
)
from realmix.tasks.runtime.holdout_ledger import count_holdout_reads
from realmix.tasks.runtime.state_connection import FILE, transaction
from realmix.tasks.runtime.state_tables import metadata
from realmix.tasks.runtime.state_upgrade import HEAD, MIGRATIONS, VERSION_TABLE, schema_version
from realmix.tasks.runtime.study_folder import stored_snapshot

FIRST_RELEASE = Path(__file__).parent / "homes" / "first_release"
KEPT = "state-before-upgrade-from-0001.sqlite"
KINDS = ["retraining", "review", "promotion", "settled"]
UNITS = np.array([5, 2**64 - 1, 7], dtype=np.uint64)
OPEN = "from realmix.tasks.runtime.database import decisions; assert len(decisions('calls')) == 4"


@pytest.fixture
def old_home(home) -> Path:
    """A home that the first release made: a table, a waiting batch, four decisions, an untracked study."""
    shutil.copytree(FIRST_RELEASE, home)
    return home


def rows(path: Path, table: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def test_the_tables_are_those_that_the_migrations_make(state):
    registered_names()
    with transaction() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert schema_version(connection) == HEAD


def test_the_newest_revision_is_the_one_that_is_asked_for():
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_tables_are_made_once_and_not_on_every_change(state):
    registered_names()
    executed: list[str] = []

    def note(_connection, _cursor, statement, *_):
        executed.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        record_decision("bank", "retraining", {})
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert any(statement.startswith("INSERT INTO decisions") for statement in executed)
    assert not [statement for statement in executed if statement.startswith(("CREATE", "ALTER", "DROP"))]


def test_a_state_of_a_newer_release_is_refused_and_left_alone(home):
    registered_names()
    with transaction() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(BadInput, match="A newer realmix has changed the state"):
        registered_names()


def test_a_home_of_the_first_release_goes_on_with_all_it_had(old_home):
    before = rows(old_home / FILE, "decisions")
    table = registered_table("calls")
    assert table.card.operation.schedule == "0 2 * * *" and table.decided == table.snapshot
    assert len(stored_snapshot(table.snapshot).read()) == 300
    assert rows(old_home / FILE, "decisions") == before
    assert [entry.kind for entry in decisions("calls")] == KINDS
    assert [(batch.name, batch.status) for batch in batches("calls")] == [("later.csv", "waiting")]
    assert read_cursor("calls", "incoming") == {"later.csv": "1"}
    assert untracked_studies() == [Path("studies/calls-0001-aaaa")]
    assert count_holdout_reads("calls", "calls-0001-aaaa", UNITS).tolist() == [1, 1, 1]
    record_decision("calls", "retraining", {"level": "skip"})
    assert len(decisions("calls")) == 5


def test_the_file_of_the_first_release_stays_beside_it_as_it_was(old_home):
    registered_names()
    for table in ("tables", "batches", "cursors", "decisions", "studies", "holdout_readers", "holdout_reads"):
        assert rows(old_home / KEPT, table) == rows(FIRST_RELEASE / FILE, table)
    assert {path.name for path in old_home.glob("*state*")} == {FILE, KEPT, "state.lock"}
    assert {path.name for path in FIRST_RELEASE.glob("state*")} == {FILE}


def test_rows_that_waited_in_the_first_release_are_admitted(old_home):
    (arrival,) = admit_waiting("calls")
    assert (arrival["status"], arrival["n_new"]) == ("admitted", 20)
    assert len(stored_snapshot(registered_table("calls").snapshot).read()) == 320


def test_a_record_that_was_changed_before_is_not_upgraded(old_home):
    with closing(sqlite3.connect(old_home / FILE)) as connection:
        connection.execute("DROP TRIGGER decisions_stay")
        connection.execute("UPDATE decisions SET document = '{}' WHERE id = 3")
        connection.commit()
    with pytest.raises(BadInput, match="changed from outside at entry 3"):
        registered_names()
    assert not (old_home / KEPT).exists()
    with closing(sqlite3.connect(old_home / FILE)) as connection:
        assert not connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name IN ('leases', ?)", (VERSION_TABLE,)
        ).fetchall()


def test_processes_that_open_an_old_home_at_once_upgrade_it_once(old_home):
    opened = [subprocess.Popen([sys.executable, "-c", OPEN]) for _ in range(4)]
    assert [process.wait(timeout=120) for process in opened] == [0, 0, 0, 0]
    assert [entry.kind for entry in decisions("calls")] == KINDS
    assert rows(old_home / KEPT, "decisions") == rows(FIRST_RELEASE / FILE, "decisions")


def test_an_upgrade_that_breaks_off_leaves_the_old_state_and_is_done_again(old_home, monkeypatch):
    from alembic import command

    def break_off(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", break_off)
        with pytest.raises(KeyboardInterrupt):
            registered_names()
    assert rows(old_home / FILE, "studies") == rows(FIRST_RELEASE / FILE, "studies")
    assert registered_names() == ["calls"] and len(decisions("calls")) == 4

"""Prefect's empty database: made once, copied to new homes, nothing of anybody in it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from realmix.flows.local import empty_database
from realmix.flows.local.empty_database import make, place
from realmix.flows.local.environment import QUIET
from realmix.tasks.core.errors import RealmixError


def dump(path):
    """The content of a database as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Prefect's own empty database, in a file."""
    target = tmp_path_factory.mktemp("environment") / "share" / "prefect.db"
    make(target)
    return target


@pytest.fixture
def prefect_home(tmp_path, monkeypatch, made):
    """An empty home of Prefect, in an environment that keeps a database."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(empty_database, "kept", lambda: made)
    return tmp_path


def test_it_holds_prefects_tables_and_no_row_but_their_version(made):
    with closing(sqlite3.connect(made)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        filled = [name for name in tables if database.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()]
    assert "flow_run" in tables and filled == ["alembic_version"]
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_a_new_home_gets_it_and_prefect_finds_nothing_to_change(prefect_home, made):
    place()
    assert [path.name for path in prefect_home.iterdir()] == ["prefect.db"]
    upgrade = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
    subprocess.run(upgrade, check=True, capture_output=True, cwd=prefect_home, env=os.environ | QUIET)
    assert dump(prefect_home / "prefect.db") == dump(made)


def test_a_home_that_has_one_keeps_it(prefect_home):
    (prefect_home / "prefect.db").write_text("somebody's")
    place()
    assert (prefect_home / "prefect.db").read_text() == "somebody's"


def test_a_database_that_appears_meanwhile_is_kept(prefect_home, monkeypatch):
    link = os.link

    def late(source, target):
        target.write_text("another process's")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    place()
    assert [path.read_text() for path in prefect_home.iterdir()] == ["another process's"]


@pytest.mark.parametrize("left", ["prefect.db-wal", "prefect.db-journal"])
def test_what_a_removed_database_left_is_not_replayed_into_another(prefect_home, left):
    (prefect_home / left).write_text("of a removed one")
    place()
    assert [path.name for path in prefect_home.iterdir()] == [left]


def test_without_one_in_the_environment_prefect_makes_it_itself(prefect_home, monkeypatch):
    monkeypatch.setattr(empty_database, "kept", lambda: prefect_home / "nowhere" / "prefect.db")
    place()
    assert not list(prefect_home.iterdir())


def test_where_it_cannot_be_written_one_sentence_says_so(tmp_path):
    (tmp_path / "share").write_text("a file")
    with pytest.raises(RealmixError, match="cannot be written"):
        make(tmp_path / "share" / "prefect.db")


def test_a_disk_that_fills_leaves_no_half_a_database(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(empty_database, "closing", full)
    with pytest.raises(RealmixError, match="disk is full"):
        make(tmp_path / "prefect.db")
    assert not list(tmp_path.iterdir())

"""A home that joins a team's database brings its state along, once, and never a second record into one."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.runtime.database import (
    batches,
    decisions,
    note_read,
    record_decision,
    register_table,
    registered_names,
    registered_table,
    untracked_studies,
)
from realmix.tasks.runtime.holdout_ledger import count_holdout_reads
from realmix.tasks.runtime.state_connection import FILE
from realmix.tasks.runtime.state_move import MOVED

FIRST_RELEASE = Path(__file__).parent / "homes" / "first_release"
UNITS = np.array([5, 2**64 - 1, 7], dtype=np.uint64)


@pytest.fixture
def team(new_database) -> str:
    """An empty database on a PostgreSQL server."""
    return new_database()


def test_a_home_of_the_first_release_moves_to_postgresql_with_all_it_had(home, team, monkeypatch):
    shutil.copytree(FIRST_RELEASE, home)
    monkeypatch.setenv("REALMIX_STATE_URL", team)
    table = registered_table("calls")
    assert table.decided == table.snapshot
    assert [entry.kind for entry in decisions("calls")] == ["retraining", "review", "promotion", "settled"]
    assert [(batch.name, batch.status) for batch in batches("calls")] == [("later.csv", "waiting")]
    assert untracked_studies() == [Path("studies/calls-0001-aaaa")]
    assert count_holdout_reads("calls", "calls-0001-aaaa", UNITS).tolist() == [1, 1, 1]
    assert count_holdout_reads("calls", "another", UNITS).tolist() == [2, 2, 2]
    record_decision("calls", "retraining", {"level": "skip"})
    assert note_read("calls", "more", before=None, after=1, batch=("d2", "more.csv", 5))
    assert len(decisions("calls")) == 5 and len(batches("calls")) == 2


def test_the_file_stays_beside_it_and_is_not_begun_anew(home, team, monkeypatch):
    record_decision("bank", "retraining", {})
    monkeypatch.setenv("REALMIX_STATE_URL", team)
    assert len(decisions("bank")) == 1 and (home / FILE).exists()
    assert len(decisions("bank")) == 1 and not (home / FILE).exists()
    with closing(sqlite3.connect(home / MOVED)) as connection:
        assert connection.execute("SELECT count(*) FROM decisions").fetchone() == (1,)
    monkeypatch.delenv("REALMIX_STATE_URL")
    with pytest.raises(
        BadInput, match=r"was moved into the database.*set REALMIX_STATE_URL again, or rename"
    ):
        registered_names()


def test_two_records_of_decisions_are_not_mixed(home, team, monkeypatch):
    register_table("bank", DataCard(target="y"), "0" * 64)
    for other, url in (("other", team), ("home", "")):
        monkeypatch.setenv("REALMIX_HOME", str(home.with_name(other)))
        monkeypatch.setenv("REALMIX_STATE_URL", url)
        record_decision(other, "retraining", {})
    monkeypatch.setenv("REALMIX_STATE_URL", team)
    with pytest.raises(BadInput, match="two records of decisions cannot become one"):
        registered_names()
    monkeypatch.delenv("REALMIX_STATE_URL")
    assert registered_names() == ["bank"] and len(decisions("home")) == 1


def test_a_record_that_was_changed_is_not_moved(home, team, monkeypatch):
    shutil.copytree(FIRST_RELEASE, home)
    with closing(sqlite3.connect(home / FILE)) as connection:
        connection.execute("DROP TRIGGER decisions_stay")
        connection.execute("UPDATE decisions SET kind = 'rollback' WHERE id = 2")
        connection.commit()
    monkeypatch.setenv("REALMIX_STATE_URL", team)
    with pytest.raises(BadInput, match="changed from outside at entry 2"):
        registered_names()


def test_a_study_of_another_home_is_neither_uploaded_nor_forgotten(home, team, monkeypatch):
    from realmix.tasks.runtime.database import note_tracked, note_untracked

    monkeypatch.setenv("REALMIX_STATE_URL", team)
    for name in ("one", "two"):
        monkeypatch.setenv("REALMIX_HOME", str(home.with_name(name)))
        note_untracked(home / "studies" / name, "bank")
    note_tracked(home / "studies" / "one")
    assert untracked_studies() == [home / "studies" / "two"]
    monkeypatch.setenv("REALMIX_HOME", str(home.with_name("one")))
    assert untracked_studies() == [home / "studies" / "one"]

"""The database under the home folder: whole changes, counted once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.runtime.database import (
    batches,
    decisions,
    note_read,
    read_cursor,
    record_decision,
    register_table,
    registered_names,
    registered_table,
    registered_tables,
    unregister_table,
)
from realmix.tasks.runtime.holdout_ledger import count_holdout_reads
from realmix.tasks.runtime.state_connection import FILE, transaction

UNITS = np.array([5, 2**64 - 1, 5, 7], dtype=np.uint64)
BAD_CARD = '{"target": "y", "no such key": 1}'
READ = """
import sys
import numpy as np
from realmix.tasks.runtime.holdout_ledger import count_holdout_reads
from realmix.tasks.runtime.state_connection import FILE, transaction
for reader in range(20):
    count_holdout_reads("bank", f"{sys.argv[1]}-{reader}", np.arange(50, dtype=np.uint64))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    return tmp_path


def test_each_decision_counts_once_for_the_rows_it_read():
    assert count_holdout_reads("bank", "study 1", UNITS).tolist() == [1, 1, 1, 1]
    assert count_holdout_reads("bank", "study 1", UNITS).tolist() == [1, 1, 1, 1]
    grown = np.append(UNITS, [np.uint64(9)])
    assert count_holdout_reads("bank", "study 2", grown).tolist() == [2, 2, 2, 2, 1]
    assert count_holdout_reads("another table", "study 1", UNITS).tolist() == [1, 1, 1, 1]


def test_processes_that_count_at_once_lose_nothing(home):
    readers = [subprocess.Popen([sys.executable, "-c", READ, str(number)]) for number in range(3)]
    assert [reader.wait(timeout=120) for reader in readers] == [0, 0, 0]
    assert set(count_holdout_reads("bank", "last", np.arange(50, dtype=np.uint64))) == {61}


def test_an_error_undoes_the_whole_change():
    with pytest.raises(ZeroDivisionError), transaction() as state:
        state.execute(text("INSERT INTO holdout_readers VALUES ('bank', 'study 1')"))
        1 / 0  # noqa: B018
    assert count_holdout_reads("bank", "study 1", UNITS).tolist() == [1, 1, 1, 1]
    with transaction() as state:
        assert state.scalar(text("SELECT count(*) FROM holdout_readers")) == 1


def test_a_damaged_database_is_named(home):
    (home / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(BadInput, match=r"state\.sqlite cannot be used"):
        count_holdout_reads("bank", "study 1", UNITS)


def test_a_cursor_moves_on_from_where_it_was_read_and_its_batch_with_it():
    assert note_read("bank", "landing", before=None, after={"a": 1}, batch=("d1", "a.csv", 5))
    assert not note_read("bank", "landing", before=None, after={"b": 1}, batch=("d2", "b.csv", 5))
    assert read_cursor("bank", "landing") == {"a": 1}
    assert note_read("bank", "landing", before={"a": 1}, after={"a": 1, "b": 1}, batch=("d1", "b.csv", 5))
    assert [(batch.name, batch.n_rows) for batch in batches("bank")] == [("a.csv", 5)]
    assert read_cursor("bank", "another place") is None and batches("shop") == []


def test_a_table_whose_card_cannot_be_used_harms_no_other(caplog):
    for name in ("bank", "shop"):
        register_table(name, DataCard(target="y"), "0" * 64)
    with transaction() as state:
        state.execute(text("UPDATE tables SET card = :card WHERE name = 'shop'"), {"card": BAD_CARD})
    with caplog.at_level("WARNING", "realmix"):
        assert [table.name for table in registered_tables()] == ["bank"]
    assert "The table 'shop' is left out" in caplog.text and "realmix unregister shop" in caplog.text
    assert registered_table("bank").name == "bank" and registered_names() == ["bank", "shop"]
    with pytest.raises(BadInput, match=r"no such key.*realmix unregister shop"):
        registered_table("shop")


def test_a_table_that_is_removed_leaves_its_decisions_and_nothing_that_waits():
    for name in ("bank", "shop"):
        register_table(name, DataCard(target="y"), "0" * 64)
        assert note_read(name, "landing", before=None, after={"a": 1}, batch=("d1", "a.csv", 5))
        record_decision(name, "retraining", {"level": "skip"})
    unregister_table("bank")
    assert registered_names() == ["shop"]
    assert batches("bank") == [] and read_cursor("bank", "landing") is None
    assert len(decisions("bank")) == 1 and len(batches("shop")) == 1
    with pytest.raises(BadInput, match=r"Unknown registered table 'bank'.*Known: shop"):
        unregister_table("bank")

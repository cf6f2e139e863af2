"""Rows are taken in the order of their key, a lag after they were first seen, each once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine, text

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.landing import sql as landing
from realmix.tasks.landing.sql import read_appended, start_after
from realmix.tasks.sources.sql import URL_VARIABLE

LAG = 60.0


class Clock:
    """The time of day, as the test sets it."""

    now = 1_767_225_600.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(landing, "time", clock)
    return clock


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A database of one empty table."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    monkeypatch.setenv(URL_VARIABLE, url)
    engine = create_engine(url)
    run(engine, "CREATE TABLE events (id INTEGER PRIMARY KEY, age INTEGER)")
    yield engine
    engine.dispose()


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def insert(engine: Engine, *ids: int) -> None:
    """Insert events of these ids, committed together."""
    run(engine, "INSERT INTO events VALUES " + ", ".join(f"({number}, 30)" for number in ids))


class Watcher:
    """Looks again and again, from where it was."""

    def __init__(self, lag_seconds: float = LAG) -> None:
        self.operation, self.cursor = Operation(cursor="id", lag_seconds=lag_seconds), None

    def look(self) -> list[int]:
        """Ids that were taken."""
        steps: list[Landed] = list(read_appended("sql:events", self.operation, self.cursor))
        self.cursor = steps[-1].cursor if steps else self.cursor
        return [number for landed in steps if landed.rows is not None for number in landed.rows["id"]]


def test_rows_are_taken_a_lag_after_they_were_first_seen(database, clock):
    insert(database, 1, 2)
    watcher = Watcher()
    assert watcher.look() == []
    clock.now += LAG - 1
    insert(database, 3)
    assert watcher.look() == []
    clock.now += 1
    assert watcher.look() == [1, 2]
    clock.now += LAG
    assert watcher.look() == [3]
    assert watcher.look() == []


def test_a_row_of_a_transaction_that_commits_late_is_not_lost(database, clock):
    insert(database, 1, 3)
    watcher = Watcher()
    watcher.look()
    insert(database, 2)
    clock.now += LAG
    assert watcher.look() == [1, 2, 3]


def test_without_a_lag_rows_are_taken_at_once(database):
    insert(database, 1, 2)
    watcher = Watcher(lag_seconds=0)
    assert watcher.look() == [1, 2]
    insert(database, 3)
    assert watcher.look() == [3]


def test_a_clock_set_back_makes_rows_wait_again_and_loses_and_repeats_none(database, clock):
    insert(database, 1)
    watcher = Watcher()
    watcher.look()
    clock.now -= 86_400
    assert watcher.look() == []
    clock.now += LAG
    insert(database, 2)
    assert watcher.look() == [1]
    clock.now -= 86_400
    assert watcher.look() == []
    clock.now += LAG
    assert watcher.look() == [2]


def test_rows_deleted_before_they_are_taken_leave_no_batch(database, clock):
    insert(database, 1)
    watcher = Watcher()
    watcher.look()
    run(database, "DELETE FROM events")
    clock.now += LAG
    assert watcher.look() == []
    insert(database, 2)
    watcher.look()
    clock.now += LAG
    assert watcher.look() == [2]


def test_a_first_look_begins_above_what_the_table_has(database, clock):
    insert(database, 1, 2, 3)
    operation = Operation(cursor="id", lag_seconds=0)
    start = start_after(operation, pd.DataFrame({"id": [2.0, 1.0]}))
    assert [list(landed.rows["id"]) for landed in read_appended("sql:events", operation, start)] == [[3]]
    assert start_after(operation, pd.DataFrame({"age": [2.0, 1.0]})) is None


def test_neither_name_nor_source_of_a_batch_tells_a_key(database):
    insert(database, 71_234_567)
    (landed,) = read_appended("sql:events", Operation(cursor="id", lag_seconds=0), None)
    assert landed.name == "sql:events, 1 new" and "71234567" not in str(landed.source)


@pytest.mark.parametrize(
    ("cursor", "said"), [(None, "no cursor column"), ("half", "type float"), ("ide", "Correct the table")]
)
def test_a_column_that_cannot_be_a_cursor_is_one_sentence(database, cursor, said):
    insert(database, 1)
    run(database, "ALTER TABLE events ADD COLUMN half REAL DEFAULT 0.5")
    with pytest.raises(BadInput, match=said):
        list(read_appended("sql:events", Operation(cursor=cursor), None))


def test_a_transaction_of_postgresql_that_began_first_and_commits_last_is_not_lost(
    postgresql_url, monkeypatch, clock
):
    monkeypatch.setenv(URL_VARIABLE, postgresql_url)
    engine = create_engine(postgresql_url)
    run(engine, "CREATE TABLE events (id BIGSERIAL PRIMARY KEY, age INTEGER)")
    add = text("INSERT INTO events (age) VALUES (30)")
    watcher = Watcher()
    with engine.connect() as slow, engine.connect() as quick:
        slow.execute(add)
        quick.execute(add)
        quick.commit()
        assert watcher.look() == []
        slow.commit()
    clock.now += LAG
    assert watcher.look() == [1, 2]
    run(engine, "DROP TABLE events")
    engine.dispose()

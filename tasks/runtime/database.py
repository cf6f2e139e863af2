"""The database of registered tables, batches and decisions: one SQLite file under the home folder.

Every change is one transaction: a killed process leaves the state before or after it, and
processes take turns.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.lifecycle.records import Batch, Decision, Registered
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.runtime.snapshots import explain_os_error
from realmix.tasks.runtime.study_folder import home

log = logging.getLogger("realmix")
FILE = "state.sqlite"
# A transaction of another process takes milliseconds; a disk that stalls takes seconds.
PATIENCE_SECONDS = 30
SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (
    name TEXT PRIMARY KEY, card TEXT NOT NULL, registered_at TEXT NOT NULL,
    snapshot TEXT NOT NULL, unlabelled TEXT, decided TEXT
);
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, digest TEXT NOT NULL,
    name TEXT NOT NULL, n_rows INTEGER NOT NULL, seen_at TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'admitted', 'refused')),
    outcome TEXT, UNIQUE (table_name, digest)
);
CREATE TABLE IF NOT EXISTS cursors (
    table_name TEXT NOT NULL, source TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (table_name, source)
);
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, made_at TEXT NOT NULL,
    kind TEXT NOT NULL, document TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS decisions_stay BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision cannot be changed'); END;
CREATE TRIGGER IF NOT EXISTS decisions_remain BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision cannot be removed'); END;
CREATE TABLE IF NOT EXISTS studies (
    path TEXT PRIMARY KEY, table_name TEXT NOT NULL, finished_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS holdout_readers (
    registration TEXT NOT NULL, reader TEXT NOT NULL, PRIMARY KEY (registration, reader)
);
CREATE TABLE IF NOT EXISTS holdout_reads (
    registration TEXT NOT NULL, unit INTEGER NOT NULL, n_reads INTEGER NOT NULL,
    PRIMARY KEY (registration, unit)
) WITHOUT ROWID;
"""


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Open the database for one change, of which everything is stored or nothing.

    Raises
    ------
    BadInput
        If the file cannot be opened, or another process holds it for too long.
    """
    path = home() / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _open(path)
    except OSError as err:
        raise explain_os_error(err, path) from err
    except sqlite3.Error as err:
        raise _explain(err, path) from err
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.OperationalError as err:
        raise _explain(err, path) from err
    finally:
        # Anything not committed by now is rolled back.
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(SCHEMA)
    return connection


def _explain(err: sqlite3.Error, path: Path) -> BadInput:
    return BadInput(
        f"The database {path} cannot be used ({err}). Check that its disk has space and that no other "
        "program holds it, then run again."
    )


@contextmanager
def table_lock(name: str) -> Iterator[None]:
    """Make other processes wait that want to retrain or promote the same table meanwhile.

    The lock ends with the process, however that ends.
    """
    path = home() / "tables" / name / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def register_table(name: str, card: DataCard, snapshot: str) -> None:
    """Register a table, or replace the card of a registered one; its rows and decisions stay."""
    with transaction() as database:
        database.execute(
            "INSERT INTO tables (name, card, registered_at, snapshot) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET card = excluded.card",
            (name, card.model_dump_json(), _now(), snapshot),
        )


def unregister_table(name: str) -> None:
    """Remove a table, its waiting batches and cursors; its rows on disk and its decisions stay.

    Raises
    ------
    BadInput
        If it is not registered.
    """
    known = registered_names()
    if name not in known:
        raise unknown_name("registered table", name, known)
    with transaction() as database:
        database.execute("DELETE FROM tables WHERE name = ?", (name,))
        for table in ("batches", "cursors"):
            database.execute(f"DELETE FROM {table} WHERE table_name = ?", (name,))


def registered_names() -> list[str]:
    """Return the names of all registered tables, those whose card cannot be used included."""
    with transaction() as database:
        return [row["name"] for row in database.execute("SELECT name FROM tables ORDER BY name")]


def registered_tables() -> list[Registered]:
    """Return all registered tables, sorted by name; one whose card cannot be used is logged and left out."""
    with transaction() as database:
        rows = database.execute("SELECT * FROM tables ORDER BY name").fetchall()
    tables = []
    for row in rows:
        try:
            tables.append(_table(row))
        except BadInput as err:
            log.warning("The table '%s' is left out: %s", row["name"], _unusable(row["name"], err))
    return tables


def _unusable(name: str, err: BadInput) -> str:
    return f"{err} Register a correct card under this name, or remove the table: realmix unregister {name}."


def registered_table(name: str) -> Registered:
    """Return a registered table.

    Raises
    ------
    BadInput
        If it is not registered, or its stored card cannot be used.
    """
    with transaction() as database:
        found = {row["name"]: row for row in database.execute("SELECT * FROM tables")}
    if not found:
        raise BadInput(f"No table is registered, '{name}' neither: register one by realmix register CARD.")
    if name not in found:
        raise unknown_name("registered table", name, found)
    try:
        return _table(found[name])
    except BadInput as err:
        raise BadInput(_unusable(name, err)) from err


def batches(table: str, status: str | None = None) -> list[Batch]:
    """Return a table's batches in the order in which they were found; of one status, or all."""
    with transaction() as database:
        found = database.execute(
            "SELECT * FROM batches WHERE table_name = ? AND status = coalesce(?, status) ORDER BY id",
            (table, status),
        )
        return [_batch(row) for row in found]


def admit_batch(
    batch: Batch, outcome: Mapping[str, Any], *, snapshot: str, unlabelled: str | None, before: str
) -> None:
    """Make the rows of a batch part of its table: both change, or neither.

    Parameters
    ----------
    batch : Batch
    outcome : mapping
        JSON-able counts, for the record; no cells.
    snapshot, unlabelled : str
        Digests of the table's rows, and of those that wait for a label, with the batch.
    before : str
        Digest of the rows into which the batch was merged.

    Raises
    ------
    BadInput
        If the table's rows have changed since, or the batch is no longer waiting.
    """
    with transaction() as database:
        moved = database.execute(
            "UPDATE tables SET snapshot = ?, unlabelled = ? WHERE name = ? AND snapshot = ?",
            (snapshot, unlabelled, batch.table_name, before),
        )
        settled = _settle(database, batch, "admitted", outcome)
        if not (moved.rowcount and settled):
            raise BadInput(
                f"Table '{batch.table_name}' was changed by another process while '{batch.name}' was being added. "
                "Nothing is lost: run the same command again."
            )


def refuse_batch(batch: Batch, outcome: Mapping[str, Any]) -> None:
    """Refuse a batch and record the reasons."""
    with transaction() as database:
        _settle(database, batch, "refused", outcome)


def read_cursor(table: str, source: str) -> Any:
    """Return how far a source was read; None at the start."""
    with transaction() as database:
        return _cursor(database, table, source)


def note_read(
    table: str, source: str, *, before: Any, after: Any, batch: tuple[str, str, int] | None = None
) -> bool:
    """Advance a cursor and store what was read up to there as a waiting batch: both or neither.

    Parameters
    ----------
    table, source : str
    before, after : JSON-able
        Cursor as it was read, and its new value.
    batch : tuple of (digest, name, number of rows), optional
        The same content is stored once, whatever its name.

    Returns
    -------
    bool
        False where another process changed the cursor meanwhile: nothing is changed then.
    """
    with transaction() as database:
        if _cursor(database, table, source) != before:
            return False
        database.execute(
            "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (table, source, json.dumps(after))
        )
        if batch:
            database.execute(
                "INSERT OR IGNORE INTO batches (table_name, digest, name, n_rows, seen_at) VALUES (?, ?, ?, ?, ?)",
                (table, *batch, _now()),
            )
    return True


def record_decision(
    table: str, kind: str, document: Mapping[str, Any], *, decided: str | None = None
) -> Decision:
    """Append an entry to the record of decisions, which cannot be changed later.

    Parameters
    ----------
    table : str
    kind : str
        For example ``"retraining"``, ``"promotion"``, ``"rollback"``.
    document : mapping
        JSON-able: who, which snapshots, numbers, reason; no cells.
    decided : str, optional
        Digest of the rows on which the decision was made.
    """
    with transaction() as database:
        last = database.execute("SELECT digest FROM decisions ORDER BY id DESC LIMIT 1").fetchone()
        previous = last["digest"] if last else ""
        made_at, text = _now(), json.dumps(document, sort_keys=True, allow_nan=False)
        digest = _chained(previous, table, made_at, kind, text)
        database.execute(
            "INSERT INTO decisions (table_name, made_at, kind, document, previous, digest) VALUES (?, ?, ?, ?, ?, ?)",
            (table, made_at, kind, text, previous, digest),
        )
        if decided:
            database.execute("UPDATE tables SET decided = ? WHERE name = ?", (decided, table))
    return Decision(table, made_at, kind, json.loads(text), digest)


def decisions(table: str, kind: str | None = None) -> list[Decision]:
    """Return a table's decisions, oldest first; of one kind, or all.

    Raises
    ------
    BadInput
        If an entry was changed after it was written.
    """
    with transaction() as database:
        rows = database.execute("SELECT * FROM decisions ORDER BY id").fetchall()
    previous = ""
    for row in rows:
        entry = (row["table_name"], row["made_at"], row["kind"], row["document"])
        if row["previous"] != previous or row["digest"] != _chained(previous, *entry):
            raise BadInput(
                f"The record of decisions in {home() / FILE} was changed from outside at entry {row['id']}. "
                "Restore the file from a backup."
            )
        previous = row["digest"]
    return [
        Decision(row["table_name"], row["made_at"], row["kind"], json.loads(row["document"]), row["digest"])
        for row in rows
        if row["table_name"] == table and kind in (None, row["kind"])
    ]


def note_untracked(path: Path, table: str) -> None:
    """Remember a finished study that is not yet logged to MLflow."""
    with transaction() as database:
        database.execute("INSERT OR REPLACE INTO studies VALUES (?, ?, ?)", (str(path), table, _now()))


def untracked_studies() -> list[Path]:
    """Return the folders of finished studies that are not yet logged to MLflow, oldest first."""
    with transaction() as database:
        return [
            Path(row["path"]) for row in database.execute("SELECT path FROM studies ORDER BY finished_at")
        ]


def note_tracked(path: Path) -> None:
    """Forget a study that is now logged to MLflow."""
    with transaction() as database:
        database.execute("DELETE FROM studies WHERE path = ?", (str(path),))


def _settle(database: sqlite3.Connection, batch: Batch, status: str, outcome: Mapping[str, Any]) -> int:
    return database.execute(
        "UPDATE batches SET status = ?, outcome = ? WHERE table_name = ? AND digest = ? AND status = 'waiting'",
        (status, json.dumps(outcome, allow_nan=False), batch.table_name, batch.digest),
    ).rowcount


def _cursor(database: sqlite3.Connection, table: str, source: str) -> Any:
    found = database.execute("SELECT value FROM cursors WHERE table_name = ? AND source = ?", (table, source))
    return next((json.loads(row["value"]) for row in found), None)


def _table(row: sqlite3.Row) -> Registered:
    return Registered(**{**dict(row), "card": parse_card(json.loads(row["card"]))})


def _batch(row: sqlite3.Row) -> Batch:
    fields = {key: row[key] for key in row.keys() if key != "id"}  # noqa: SIM118
    return Batch(**{**fields, "outcome": json.loads(row["outcome"]) if row["outcome"] else None})


def _chained(previous: str, *entry: str) -> str:
    return hashlib.sha256(json.dumps([previous, *entry]).encode()).hexdigest()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

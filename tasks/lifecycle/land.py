"""Note new batches of a registered table where they land."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.lifecycle.records import Batch
from realmix.tasks.core.urls import reveal, without_secrets
from realmix.tasks.landing import find_landing
from realmix.tasks.runtime.database import (
    batches,
    note_read,
    read_cursor,
    registered_table,
)
from realmix.tasks.runtime.snapshots import Snapshot, open_snapshot, take_snapshot, write_atomically
from realmix.tasks.runtime.study_folder import home


def look(table: str) -> list[Batch]:
    """Note every complete new batch that lies where the card's `operation.landing` says.

    Parameters
    ----------
    table : str
        Of a registered table.

    Returns
    -------
    list of Batch
        All that wait to be taken in, oldest first. Equal content, by the hash of its rows in their
        order, is one batch: seen once, whatever its name, however often and by however many it is
        looked at. So a second batch of the very same rows adds none, unless a column tells them apart.

    Raises
    ------
    BadInput
        If the landing place cannot be read. What lies there and is no table is noted, and refused
        with the reason when batches are taken in.
    """
    registered = registered_table(table)
    operation = registered.card.operation
    if operation.landing is None:
        return batches(table, "waiting")
    landing, location = find_landing(operation.landing), reveal(operation.landing)
    place = f"{without_secrets(location)} {operation.cursor or ''}".rstrip()
    noted = read_cursor(table, place)
    if noted is None and landing.start:
        start = landing.start(operation, _snapshot(registered.snapshot).read())
        noted = start if note_read(table, place, before=None, after=start) else read_cursor(table, place)
    with contextlib.closing(landing.read(location, operation, noted)) as steps:
        for landed in steps:
            batch = _keep(landed, batch_folder(table)) if landed.name else None
            if batch and batch[0] == registered.snapshot:
                # The very rows the table was registered with, left lying where new ones land.
                batch = None
            if not note_read(table, place, before=noted, after=landed.cursor, batch=batch):
                # Another watcher reads the same place: what is left is its to note.
                break
            noted = landed.cursor
    return batches(table, "waiting")


def batch_folder(table: str) -> Path:
    """Where the batches of a table are kept as they came."""
    return home() / "tables" / table / "batches"


def _keep(landed: Landed, folder: Path) -> tuple[str, str, int]:
    """Digest, name and number of rows of a batch, once it lies on disk."""
    if landed.rows is None:
        reason = landed.refusal or ""
        write_atomically(
            folder / f"{landed.fingerprint}.refusal", lambda file: file.write_text(reason, encoding="utf-8")
        )
        return landed.fingerprint, landed.name, 0
    snapshot = take_snapshot(landed.rows, folder, source=landed.source)
    return snapshot.digest, landed.name, snapshot.n_rows


def _snapshot(digest: str) -> Snapshot:
    return open_snapshot(home() / "snapshots" / f"{digest}.parquet")


def waiting_key(table: str) -> str | None:
    """Key of all that has come and is not decided on; None where nothing is.

    It follows from every batch ever seen, so that it stays the same while a retraining takes them in.

    Parameters
    ----------
    table : str
    """
    registered, seen = registered_table(table), batches(table)
    is_waiting = any(batch.status == "waiting" for batch in seen)
    if not is_waiting and registered.decided == registered.snapshot:
        return None
    content = "\n".join([table, registered.registered_at, *sorted(batch.digest for batch in seen)])
    return f"{table}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"

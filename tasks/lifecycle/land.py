"""Find new batches of a registered table at its landing place, a folder, bucket or database."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.lifecycle.entries import FORGOTTEN
from realmix.tasks.core.lifecycle.read_batch import read_batch_rows
from realmix.tasks.core.lifecycle.records import Batch
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.urls import reveal, without_secrets
from realmix.tasks.landing import find_landing
from realmix.tasks.runtime.database import batches, decisions, note_read, read_cursor, registered_table
from realmix.tasks.runtime.snapshots import frame_digest, storable, take_snapshot, write_atomically
from realmix.tasks.runtime.study_folder import home, stored_snapshot
from realmix.tasks.study.retries import RETRIES


def look(table: str) -> list[Batch]:
    """Store every complete new batch from the place that the card's `operation.landing` names.

    May be killed anywhere and run again: a batch is written to disk before it is recorded, and
    recorded in the same transaction as how far the landing place was read.

    Parameters
    ----------
    table : str
        Of a registered table.

    Returns
    -------
    list of Batch
        All that wait to be admitted, oldest first. Equal content, by the hash of its rows in their
        order, is one batch, whatever its name and however often the place is polled, also by several
        watchers. So a second batch of exactly the same rows is ignored, unless a column differs.

    Raises
    ------
    BadInput
        If the landing place cannot be read. A file there that is not a table is recorded, and
        refused with the reason when batches are admitted.
    """
    registered = registered_table(table)
    operation = registered.card.operation
    if operation.landing is None:
        return batches(table, "waiting")
    landing, location = find_landing(operation.landing), reveal(operation.landing)
    place = f"{without_secrets(location)} {operation.cursor or ''}".rstrip()
    cursor = read_cursor(table, place)
    if cursor is None and landing.start:
        start = landing.start(operation, stored_snapshot(registered.snapshot).read())
        cursor = start if note_read(table, place, before=None, after=start) else read_cursor(table, place)
    with contextlib.closing(landing.read(location, operation, cursor)) as steps:
        for landed in steps:
            batch = _keep(landed, registered.card, batch_folder(table)) if landed.name else None
            if batch and batch[0] == registered.snapshot:
                # The rows with which the table was registered, still at the landing place.
                batch = None
            if not note_read(table, place, before=cursor, after=landed.cursor, batch=batch):
                # Another watcher reads the same place and records the rest.
                break
            cursor = landed.cursor
    return batches(table, "waiting")


land = task(name="land", task_run_name="land-{table}", cache_policy=NO_CACHE, **RETRIES)(look)


def batch_folder(table: str) -> Path:
    """Return the folder of a table's batches, stored as they came."""
    return home() / "tables" / table / "batches"


def _keep(landed: Landed, card: DataCard, folder: Path) -> tuple[str, str, int]:
    """Write a batch, read as its table was, to disk; return its digest, name and number of rows."""
    rows, refusal = (None, landed.refusal) if landed.rows is None else read_batch_rows(landed.rows, card)
    if rows is None or refusal:
        fingerprint = landed.fingerprint or frame_digest(storable(rows))
        reason = refusal or ""
        write_atomically(
            folder / f"{fingerprint}.refusal", lambda file: file.write_text(reason, encoding="utf-8")
        )
        return fingerprint, landed.name, 0 if rows is None else len(rows)
    snapshot = take_snapshot(rows, folder, source=landed.source)
    return snapshot.digest, landed.name, snapshot.n_rows


def waiting_key(table: str) -> str | None:
    """Compute a key of the rows that no retraining has considered yet; None where there are none.

    It follows from every batch ever found and every removal of a person's rows, so that it does not change while a retraining admits them.

    Parameters
    ----------
    table : str
    """
    registered, seen = registered_table(table), batches(table)
    is_waiting = any(batch.status == "waiting" for batch in seen)
    if not is_waiting and registered.decided == registered.snapshot:
        return None
    removals = [entry.digest for entry in decisions(table, FORGOTTEN)]
    arrived = sorted(batch.digest for batch in seen)
    content = "\n".join([table, registered.registered_at, *arrived, *removals])
    return f"{table}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"

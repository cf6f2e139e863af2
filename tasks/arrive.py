"""New rows of a registered table: seen where they land, then gated and made part of it.

Both steps may be killed anywhere and run again. What was seen is kept before it is noted, and noted
together with how far the landing place was read. A batch becomes part of its table in one change of
the record, after everything the change names lies on disk.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.core.arrivals import Merged, Prepared, brings_labels_only, merge_batch, prepare_batch
from tasks.core.checks import check_study_input
from tasks.core.errors import BadInput, ValidationFailed
from tasks.core.locations import reveal, without_secrets
from tasks.core.plugins import Landed
from tasks.core.schema import Schema
from tasks.core.schema_change import SchemaChange, describe_schema_change
from tasks.core.snapshots import Snapshot, open_snapshot, take_snapshot, write_atomically
from tasks.core.state import (
    Batch,
    Registered,
    admit_batch,
    batches,
    note_read,
    read_cursor,
    refuse_batch,
    registered_table,
)
from tasks.core.study import home
from tasks.landing import find_landing
from tasks.validation.store import write_quarantine
from tasks.validation.tables import validate_raw

log = logging.getLogger("realmix")


@dataclass(frozen=True)
class _Standing:
    """A table as it is: its rows, those that wait for a target, and what is declared."""

    registered: Registered
    rows: pd.DataFrame
    unlabelled: pd.DataFrame
    schema: Schema


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


def admit_waiting(table: str) -> list[dict[str, Any]]:
    """Take in every batch that waits, in the order they were seen.

    Parameters
    ----------
    table : str
        Of a registered table. Hold :func:`tasks.core.state.table_lock`: two at once do no harm, but
        one of them is sent away.

    Returns
    -------
    list of dict
        For each batch `name`, `digest`, `status` ("admitted" or "refused"), `reason` (of a refusal,
        else None), `notes` (what changed in the columns, and warnings) and counts: `n_rows` of the
        batch, `n_new`, `n_replaced`, `n_unlabelled`, `n_joined`, `n_quarantined`. No cell of the table
        is in it, but new levels of columns that are not sensitive.

    Raises
    ------
    BadInput
        If the table itself, or the home folder, cannot be used; the batches go on waiting.
    """
    return [_settle(_standing(table), batch) for batch in batches(table, "waiting")]


def batch_folder(table: str) -> Path:
    """Where the batches of a table are kept as they came."""
    return home() / "tables" / table / "batches"


def quarantine_folder(batch: Batch) -> Path:
    """Where the gate's results on a batch and its bad rows are kept."""
    return home() / "tables" / batch.table_name / "quarantine" / batch.digest


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


def _standing(table: str) -> _Standing:
    registered = registered_table(table)
    rows = _snapshot(registered.snapshot).read()
    unlabelled = _snapshot(registered.unlabelled).read() if registered.unlabelled else rows[:0]
    return _Standing(registered, rows, unlabelled, check_study_input(rows, registered.card))


def _settle(standing: _Standing, batch: Batch) -> dict[str, Any]:
    """Take a batch in, or keep it out with the reason; say which."""
    notes: list[str] = []
    try:
        prepared, change = _prepare(standing, batch)
        notes += change.sentences
        kept, warnings = _gate(standing, batch, prepared)
        notes += warnings
        merged = merge_batch(standing.rows, standing.unlabelled, kept, card=standing.registered.card)
        check_study_input(merged.rows, standing.registered.card)
    except (BadInput, ValidationFailed) as err:
        outcome = {"n_rows": batch.n_rows, "reason": str(err), "notes": notes}
        refuse_batch(batch, outcome)
        log.warning("%s: the batch %s is refused: %s", batch.table_name, batch.name, err)
        return {"name": batch.name, "digest": batch.digest, "status": "refused", **outcome}
    outcome = {
        "n_rows": batch.n_rows,
        "reason": None,
        "notes": notes,
        "n_quarantined": len(prepared.set_aside) + len(prepared.rows) - len(kept),
        **_counts(merged),
    }
    _admit(standing.registered, batch, merged, outcome)
    return {"name": batch.name, "digest": batch.digest, "status": "admitted", **outcome}


def _prepare(standing: _Standing, batch: Batch) -> tuple[Prepared, SchemaChange]:
    """The rows of a batch in the form of the table, and how its columns differed.

    Raises
    ------
    BadInput
        If it is no table, or its columns are not the table's.
    """
    refusal = batch_folder(batch.table_name) / f"{batch.digest}.refusal"
    if refusal.exists():
        raise BadInput(refusal.read_text(encoding="utf-8"))
    arrived = open_snapshot(batch_folder(batch.table_name) / f"{batch.digest}.parquet").read()
    card, schema = standing.registered.card, standing.schema
    labels_only = brings_labels_only(arrived, schema, card)
    change = describe_schema_change(schema, standing.rows, arrived, card, labels_only=labels_only)
    if change.refusal:
        raise BadInput(change.refusal)
    return prepare_batch(standing.rows, standing.unlabelled, arrived, schema, card), change


def _gate(standing: _Standing, batch: Batch, prepared: Prepared) -> tuple[pd.DataFrame, list[str]]:
    """The rows that pass the expectations, and the warnings; all others lie in quarantine with reasons.

    Raises
    ------
    ValidationFailed
        If the batch as a whole is bad.
    """
    folder = quarantine_folder(batch)
    if len(prepared.set_aside):
        (folder / "keys").mkdir(parents=True, exist_ok=True)
        write_quarantine(prepared.set_aside, prepared.reasons, folder / "keys")
    card = standing.registered.card
    kept, outcome = validate_raw(prepared.rows, standing.schema, card, folder, is_batch=True)
    return kept, [warning.sentence for warning in outcome.warnings]


def _admit(registered: Registered, batch: Batch, merged: Merged, outcome: dict[str, Any]) -> None:
    source = {"kind": "registered", "location": f"table:{registered.name}"}
    snapshots = home() / "snapshots"
    rows = take_snapshot(merged.rows, snapshots, source=source)
    waiting = take_snapshot(merged.unlabelled, snapshots, source=source) if len(merged.unlabelled) else None
    admit_batch(
        batch,
        outcome,
        snapshot=rows.digest,
        unlabelled=waiting.digest if waiting else None,
        before=registered.snapshot,
    )


def _snapshot(digest: str) -> Snapshot:
    return open_snapshot(home() / "snapshots" / f"{digest}.parquet")


def _counts(merged: Merged) -> dict[str, int]:
    names = ("n_new", "n_replaced", "n_unlabelled", "n_joined")
    return {name: getattr(merged, name) for name in names}

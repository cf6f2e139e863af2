"""Add waiting batches of new rows to a registered table, after validation.

May be killed anywhere and run again: a batch becomes part of its table in one transaction, after
everything that the transaction names has been written to disk.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.errors import BadInput, ValidationFailed
from realmix.tasks.core.lifecycle.entries import Epoch
from realmix.tasks.core.lifecycle.merge_batch import (
    Merged,
    Prepared,
    brings_labels_only,
    check_replaced,
    merge_batch,
    prepare_batch,
)
from realmix.tasks.core.lifecycle.records import Batch, Registered
from realmix.tasks.core.lifecycle.schema_change import SchemaChange, describe_schema_change
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.infer_schema import schema_of
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.lifecycle.land import batch_folder
from realmix.tasks.runtime.database import (
    admit_batch,
    batches,
    record_decision,
    refuse_batch,
    registered_table,
)
from realmix.tasks.runtime.holdout_rules import start_epoch
from realmix.tasks.runtime.snapshots import open_snapshot, take_snapshot
from realmix.tasks.runtime.study_folder import Table, home, home_id, stored_snapshot
from realmix.tasks.validation.store import write_quarantine
from realmix.tasks.validation.tables import validate_raw

log = logging.getLogger("realmix")


@dataclass(frozen=True)
class _TableRows:
    """A table at this moment: its rows, those that wait for a target, card and schema."""

    registered: Registered
    rows: pd.DataFrame
    unlabelled: pd.DataFrame
    schema: Schema


def admit_waiting(table: str) -> list[dict[str, Any]]:
    """Admit or refuse every batch that waits, in the order in which they were found.

    Parameters
    ----------
    table : str
        Of a registered table. Hold :func:`realmix.tasks.runtime.leases.table_lock`: two calls at once
        do no harm, but one of them fails.

    Returns
    -------
    list of dict
        For each batch `name`, `digest`, `status` ("admitted" or "refused"), `reason` (of a refusal,
        else None), `notes` (what changed in the columns, and warnings) and counts: `n_rows` of the
        batch, `n_new`, `n_replaced`, `n_unlabelled`, `n_joined`, `n_quarantined`. It holds no cells of
        the table except new levels of columns that are not sensitive.

    Raises
    ------
    BadInput
        If the table itself, or the home folder, cannot be used; the batches still wait.
    """
    return [_admit_or_refuse(_table_rows(table), batch) for batch in batches(table, "waiting")]


def quarantine_folder(batch: Batch) -> Path:
    """Return the folder of a batch's validation results and invalid rows."""
    return home() / "tables" / batch.table_name / "quarantine" / batch.digest


def _table_rows(table: str) -> _TableRows:
    registered = registered_table(table)
    rows = stored_snapshot(registered.snapshot).read()
    unlabelled = stored_snapshot(registered.unlabelled).read() if registered.unlabelled else rows[:0]
    return _TableRows(registered, rows, unlabelled, check_study_input(rows, registered.card))


def _admit_or_refuse(current: _TableRows, batch: Batch) -> dict[str, Any]:
    """Add a batch to its table, or refuse it with the reason; return which."""
    _check_is_here(batch)
    notes: list[str] = []
    try:
        prepared, change = _prepare(current, batch)
        notes += change.sentences
        valid, warnings = _validate(current, batch, prepared)
        notes += warnings
        merged = merge_batch(current.rows, current.unlabelled, valid, card=current.registered.card)
        check_replaced(merged, len(current.rows), current.registered.card)
        check_study_input(merged.rows, current.registered.card)
    except (BadInput, ValidationFailed) as err:
        outcome = {"n_rows": batch.n_rows, "reason": str(err), "notes": notes}
        refuse_batch(batch, outcome)
        log.warning("%s: the batch %s is refused: %s", batch.table_name, batch.name, err)
        return {"name": batch.name, "digest": batch.digest, "status": "refused", **outcome}
    outcome = {
        "n_rows": batch.n_rows,
        "reason": None,
        "notes": notes,
        "n_quarantined": len(prepared.set_aside) + len(prepared.rows) - len(valid),
        **{name: getattr(merged, name) for name in ("n_new", "n_replaced", "n_unlabelled", "n_joined")},
    }
    _admit(current.registered, batch, merged, outcome)
    return {"name": batch.name, "digest": batch.digest, "status": "admitted", **outcome}


def _check_is_here(batch: Batch) -> None:
    """Let a batch wait whose rows lie in another home: it must not be refused because they are not here."""
    folder = batch_folder(batch.table_name)
    if batch.home != home_id() and not any(folder.glob(f"{batch.digest}.*")):
        raise BadInput(
            f"The rows of the batch '{batch.name}' were found by another home and are not in {folder}; it still "
            "waits. Run this in that home, or let both homes have the folders snapshots, tables and studies in common."
        )


def _prepare(current: _TableRows, batch: Batch) -> tuple[Prepared, SchemaChange]:
    """Bring the rows of a batch into the table's form, and describe how its columns differed.

    Raises
    ------
    BadInput
        If the batch is not a table, or its columns cannot be matched with the table's.
    """
    refusal = batch_folder(batch.table_name) / f"{batch.digest}.refusal"
    if refusal.exists():
        raise BadInput(refusal.read_text(encoding="utf-8"))
    arrived = open_snapshot(batch_folder(batch.table_name) / f"{batch.digest}.parquet").read()
    card, schema = current.registered.card, current.schema
    labels_only = brings_labels_only(arrived, schema, card)
    change = describe_schema_change(schema, current.rows, arrived, card, labels_only=labels_only)
    if change.refusal:
        raise BadInput(change.refusal)
    return prepare_batch(current.rows, current.unlabelled, arrived, schema, card), change


def _validate(current: _TableRows, batch: Batch, prepared: Prepared) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that pass the expectations, and the warnings; others go to quarantine with reasons.

    Raises
    ------
    ValidationFailed
        If the batch as a whole is invalid.
    """
    folder = quarantine_folder(batch)
    if len(prepared.set_aside):
        (folder / "keys").mkdir(parents=True, exist_ok=True)
        write_quarantine(prepared.set_aside, prepared.reasons, folder / "keys")
    card = current.registered.card
    valid, outcome = validate_raw(prepared.rows, current.schema, card, folder, is_batch=True)
    return valid, [warning.sentence for warning in outcome.warnings]


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


def start_new_epoch(table: Registered) -> None:
    """Start and record a new epoch of a table ordered in time: a later holdout, for a full study only."""
    snapshot = stored_snapshot(table.snapshot)
    rows = snapshot.read()
    whole = Table(table.name, snapshot, snapshot.source, table.card, schema_of(rows, table.card))
    if moved := start_epoch(whole, rows):
        epoch = Epoch.build({"cutoff_before": moved[0], "cutoff": moved[1], "snapshot": table.snapshot})
        record_decision(table.name, "epoch", epoch.to_dict())

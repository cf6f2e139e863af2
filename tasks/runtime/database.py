"""Registered tables, batches and decisions, as the state database stores them."""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.lifecycle.decision_chain import chain_digest
from realmix.tasks.core.lifecycle.entries import FORGOTTEN
from realmix.tasks.core.lifecycle.records import Batch, Decision, Registered
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.runtime import state_tables as stored
from realmix.tasks.runtime.state_connection import insert, transaction
from realmix.tasks.runtime.state_upgrade import read_decisions
from realmix.tasks.runtime.study_folder import home_id

log = logging.getLogger("realmix")


def register_table(name: str, card: DataCard, snapshot: str) -> None:
    """Register a table, or replace the card of a registered one; its rows and decisions stay.

    Batches that the former card refused wait for the new one.
    """
    text = card.model_dump_json()
    with transaction() as state:
        state.execute(
            insert(state, stored.tables)
            .values(name=name, card=text, registered_at=_now(), snapshot=snapshot)
            .on_conflict_do_update(index_elements=["name"], set_={"card": text})
        )
        is_refused = (stored.batches.c.table_name == name) & (stored.batches.c.status == "refused")
        state.execute(update(stored.batches).where(is_refused).values(status="waiting"))


def unregister_table(name: str) -> None:
    """Remove a table, all its batches and cursors; its rows on disk and its decisions stay.

    Raises
    ------
    BadInput
        If it is not registered.
    """
    with transaction() as state:
        if not state.execute(delete(stored.tables).where(stored.tables.c.name == name)).rowcount:
            raise unknown_name("registered table", name, state.scalars(select(stored.tables.c.name)))
        for table in (stored.batches, stored.cursors):
            state.execute(delete(table).where(table.c.table_name == name))


def registered_names() -> list[str]:
    """Return the names of all registered tables, those whose card cannot be used included."""
    with transaction() as state:
        return list(state.scalars(select(stored.tables.c.name).order_by(stored.tables.c.name)))


def registered_tables() -> list[Registered]:
    """Return all registered tables, sorted by name; one whose card cannot be used is logged and left out."""
    tables = []
    for row in _rows_of_tables():
        try:
            tables.append(_table(row))
        except BadInput as err:
            log.warning("The table '%s' is left out: %s", row.name, _unusable(row.name, err))
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
    found = {row.name: row for row in _rows_of_tables()}
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
    column = stored.batches.c
    wanted = select(stored.batches).where(column.table_name == table).order_by(column.id)
    if status:
        wanted = wanted.where(column.status == status)
    with transaction() as state:
        return [_batch(row) for row in state.execute(wanted)]


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
    table = stored.tables
    same = update(table).where(table.c.name == batch.table_name, table.c.snapshot == before)
    with transaction() as state:
        moved = state.execute(same.values(snapshot=snapshot, unlabelled=unlabelled)).rowcount
        if not (_settle(state, batch, "admitted", outcome) and moved):
            raise BadInput(
                f"Table '{batch.table_name}' was changed by another process while '{batch.name}' was being added. "
                "Nothing is lost: run the same command again."
            )


def refuse_batch(batch: Batch, outcome: Mapping[str, Any]) -> None:
    """Refuse a batch and record the reasons."""
    with transaction() as state:
        _settle(state, batch, "refused", outcome)


def read_cursor(table: str, source: str) -> Any:
    """Return how far a source was read; None at the start."""
    with transaction() as state:
        return _cursor(state, table, source)


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
    value = json.dumps(after)
    with transaction() as state:
        if _cursor(state, table, source) != before:
            return False
        state.execute(
            insert(state, stored.cursors)
            .values(table_name=table, source=source, value=value)
            .on_conflict_do_update(index_elements=["table_name", "source"], set_={"value": value})
        )
        if batch:
            digest, name, n_rows = batch
            state.execute(
                insert(state, stored.batches)
                .values(
                    table_name=table, digest=digest, name=name, n_rows=n_rows, seen_at=_now(), home=home_id()
                )
                .on_conflict_do_nothing()
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
    with transaction() as state:
        entry = _append(state, table, kind, document)
        if decided:
            state.execute(update(stored.tables).where(stored.tables.c.name == table).values(decided=decided))
    return entry


def _append(state: Connection, table: str, kind: str, document: Mapping[str, Any]) -> Decision:
    """Append an entry to the record within a transaction."""
    made_at, text = _now(), json.dumps(document, sort_keys=True, allow_nan=False)
    entries = stored.decisions
    previous = state.scalar(select(entries.c.digest).order_by(entries.c.id.desc()).limit(1)) or ""
    digest = chain_digest(previous, table, made_at, kind, text)
    entry = {"table_name": table, "made_at": made_at, "kind": kind, "document": text}
    state.execute(entries.insert().values(**entry, previous=previous, digest=digest))
    return Decision(table, made_at, kind, json.loads(text), digest)


def decisions(table: str, kind: str | None = None) -> list[Decision]:
    """Return a table's decisions, oldest first; of one kind, or all.

    Raises
    ------
    BadInput
        If an entry was changed after it was written.
    """
    with transaction() as state:
        rows = read_decisions(state)
    return [
        Decision(row.table_name, row.made_at, row.kind, json.loads(row.document), row.digest)
        for row in rows
        if row.table_name == table and kind in (None, row.kind)
    ]


def replace_rows(
    table: str, document: Mapping[str, Any], *, before: str, snapshot: str, unlabelled: str | None
) -> Decision:
    """Set the rows of a table to what is left after a removal, and record it: both, or neither.

    Parameters
    ----------
    table : str
    document : mapping
        Of the entry, a :class:`~realmix.tasks.core.lifecycle.entries.Forgotten`.
    before : str
        Digest of the rows from which they were removed.
    snapshot, unlabelled : str
        Digests of the table's rows, and of those that wait for a label.

    Raises
    ------
    BadInput
        If the table's rows have changed since.
    """
    stored_table = stored.tables
    same = update(stored_table).where(stored_table.c.name == table, stored_table.c.snapshot == before)
    with transaction() as state:
        if not state.execute(same.values(snapshot=snapshot, unlabelled=unlabelled)).rowcount:
            raise BadInput(
                f"Table '{table}' was changed by another process meanwhile: run the same command again."
            )
        return _append(state, table, FORGOTTEN, document)


def note_untracked(path: Path, table: str) -> None:
    """Remember a finished study of this home that is not yet logged to MLflow."""
    moment = _now()
    with transaction() as state:
        state.execute(
            insert(state, stored.studies)
            .values(home=home_id(), path=str(path), table_name=table, finished_at=moment)
            .on_conflict_do_update(index_elements=["home", "path"], set_={"finished_at": moment})
        )


def untracked_studies() -> list[Path]:
    """Return the folders of this home's finished studies that are not yet logged to MLflow, oldest first."""
    study = stored.studies.c
    wanted = select(study.path).where(study.home == home_id()).order_by(study.finished_at)
    with transaction() as state:
        return [Path(path) for path in state.scalars(wanted)]


def note_tracked(path: Path) -> None:
    """Forget a study that is now logged to MLflow."""
    study = stored.studies.c
    with transaction() as state:
        state.execute(delete(stored.studies).where(study.home == home_id(), study.path == str(path)))


def _settle(state: Connection, batch: Batch, status: str, outcome: Mapping[str, Any]) -> int:
    column = stored.batches.c
    waiting = update(stored.batches).where(
        column.table_name == batch.table_name, column.digest == batch.digest, column.status == "waiting"
    )
    text = json.dumps(outcome, allow_nan=False)
    return state.execute(waiting.values(status=status, outcome=text)).rowcount


def _cursor(state: Connection, table: str, source: str) -> Any:
    column = stored.cursors.c
    found = state.scalar(select(column.value).where(column.table_name == table, column.source == source))
    return None if found is None else json.loads(found)


def _rows_of_tables() -> list[Row[Any]]:
    with transaction() as state:
        return list(state.execute(select(stored.tables).order_by(stored.tables.c.name)))


def _table(row: Row[Any]) -> Registered:
    return Registered(**{**row._mapping, "card": parse_card(json.loads(row.card))})


def _batch(row: Row[Any]) -> Batch:
    fields = {name: value for name, value in row._mapping.items() if name != "id"}
    return Batch(**{**fields, "outcome": json.loads(row.outcome) if row.outcome else None})


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

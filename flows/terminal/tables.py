"""Register tables, show their status, and change their champion from the terminal."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from realmix.flows.local import environment
from realmix.flows.terminal.screen import tell
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.champion_record import read_champion_record
from realmix.tasks.core.lifecycle.entries import Retraining, Review
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.core.table.card import DataCard, read_card
from realmix.tasks.core.table.card_parts import Operation, Reading
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.database import (
    batches,
    decisions,
    register_table,
    registered_table,
    registered_tables,
)
from realmix.tasks.runtime.state_connection import state_address
from realmix.tasks.runtime.study_folder import Table, home

RETRAINING = "retraining"
# Folders, deployments and models have it: it must not lead out of the home.
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,59}")


def register(
    card_path: Path, name: str | None, responsible: str | None = None, *, trust_card: bool = False
) -> str:
    """Register a table: store a snapshot of its rows and freeze the rule that chooses holdout rows.

    Parameters
    ----------
    card_path : Path
        Its `source` names the first rows.
    name : str, optional
        Name of the table; derived from its source when None.
    responsible : str, optional
        Why somebody answers for its studies although the card does not permit them.
    trust_card : bool
        Whether code that the card names may run though it lies in the current folder.

    Returns
    -------
    str
        Name of the table.

    Raises
    ------
    BadInput
        If the card or its table cannot be used.
    """
    from realmix.tasks.core.table.checks import check_study_input
    from realmix.tasks.core.table.hints.find_hints import check_hints, find_hints
    from realmix.tasks.runtime.holdout_rules import registered_rule
    from realmix.tasks.runtime.snapshots import take_snapshot
    from realmix.tasks.study.permission import permission, record_responsibility
    from realmix.tasks.study.request import read_rows, table_name

    if name is not None and not NAME.fullmatch(name):
        raise BadInput(
            f"--name '{name}' cannot name a table; expected at most 60 letters, digits, '_', '-' or '.', and no '.' at "
            "the start. Choose another name."
        )
    declared = read_card(card_path)
    if not declared.source:
        raise BadInput(
            f"The card {card_path} names no `source`: add the path or URL of the table's first rows."
        )
    check_operation(declared)
    permitted = permission(declared, "synthesize", responsible)
    raw, source, card, report = read_rows(StudyRequest(card=str(card_path), trust_card=trust_card, out=""))
    name = name or table_name(card, StudyRequest(out=""))
    known = {table.name: table for table in registered_tables()}
    # Its batches are read as its first rows were.
    found = {column: Reading(**form) for column, form in report.declared.items()}
    card = card.model_copy(
        update={
            "source": f"table:{name}",
            "operation": with_absolute_landing(card.operation),
            "reading": {**found, **(known[name].card.reading if name in known else {}), **card.reading},
        }
    )
    if name in known:
        register_table(name, card, known[name].snapshot)
        record_responsibility(name, permitted, known[name].snapshot)
        return name
    environment.make_home()
    snapshot = take_snapshot(raw, home() / "snapshots", source=source)
    rows = snapshot.read()
    schema = check_study_input(rows, card)
    check_hints(find_hints(rows, schema, card))
    registered_rule(Table(name, snapshot, source, card, schema), rows)
    register_table(name, card, snapshot.digest)
    record_responsibility(name, permitted, snapshot.digest)
    return name


def with_absolute_landing(operation: Operation) -> Operation:
    """Return a copy with an absolute landing folder: workers run in other folders."""
    landing = operation.landing
    if landing is None or "://" in landing or landing.startswith("sql:"):
        return operation
    return operation.model_copy(update={"landing": str(Path(landing).expanduser().absolute())})


def check_operation(card: DataCard) -> None:
    """Refuse an invalid schedule or landing place.

    Raises
    ------
    BadInput
    """
    from cronsim import CronSim, CronSimError

    operation = card.operation
    try:
        CronSim(operation.schedule or "* * * * *", datetime.now(UTC))
    except CronSimError as err:
        raise BadInput(
            f"`operation.schedule` is '{operation.schedule}'; expected a cron expression such as '0 2 * * *'. "
            "Correct it in the card."
        ) from err
    if operation.landing and operation.landing.startswith("sql:") and not operation.cursor:
        raise BadInput(
            f"`operation.landing` is '{operation.landing}' without `operation.cursor`: name the strictly "
            "increasing column that says which rows are new."
        )


def status() -> Iterator[str]:
    """Yield the status of all registered tables, line by line."""
    tables = registered_tables()
    yield f"state: {state_address()}"
    if not tables:
        yield f"No table is registered in {home()}: register one with `realmix register CARD`."
    for table in tables:
        yield from _status_of(table)


def _status_of(table: Registered) -> Iterator[str]:
    waiting, entries = batches(table.name, "waiting"), decisions(table.name)
    retrained = [entry for entry in entries if entry.kind == RETRAINING]
    studied = [entry for entry in retrained if Retraining.read(entry.document).level != "skip"]
    yield f"{table.name}"
    if studied:
        last = studied[-1]
        found = Retraining.read(last.document)
        yield f"  last verdict: {found.verdict} ({found.study}, {last.made_at})"
    else:
        yield "  last verdict: none yet"
    yield f"  champion: {champion_line(entries)}"
    if retrained and (judgement := Retraining.read(retrained[-1].document).judgement):
        yield f"  last judgement: {judgement.reason}"
    pending = sum(batch.n_rows for batch in waiting)
    unused = (
        ""
        if table.decided in (None, table.snapshot)
        else "; more rows were added and not used for training yet"
    )
    yield f"  pending data: {len(waiting)} batches, {pending:,} rows{unused}"
    yield f"  next run: {next_run(table)}"


def champion_line(entries: list[Decision]) -> str:
    """Describe the champion, and a challenger that waits for approval, from the record of decisions."""
    found = read_champion_record(entries)
    champion = f"version {found.champions[-1]}" if found.champions else "none yet"
    if found.waiting is None:
        return champion
    waiting = Review.read(found.waiting.document).challenger_version
    return f"{champion}; version {waiting} waits for `realmix promote`"


def next_run(table: Registered) -> str:
    """Describe when and by what the next run is triggered."""
    from cronsim import CronSim

    operation, triggers = table.card.operation, []
    if operation.schedule:
        when = next(CronSim(operation.schedule, datetime.now(UTC)))
        triggers.append(f"{when:%Y-%m-%d %H:%M} UTC")
    if operation.landing:
        triggers.append(f"when rows land in {operation.landing} (checked every {operation.poll_seconds:g} s)")
    if not triggers:
        return f"only by `realmix retrain {table.name}`"
    return ", ".join(triggers) + ("" if running_up() else "; but `realmix up` is not running")


def running_up() -> dict[str, Any] | None:
    """Return the addresses of the `realmix up` that runs in this home, if any."""
    from realmix.flows.local.addresses import running

    return running()


def is_due(name: str) -> bool:
    """Check the landing place of a table for new batches; True if any rows wait for a retraining."""
    environment.prepare()
    from realmix.tasks.lifecycle.land import look, waiting_key

    look(name)
    return waiting_key(name) is not None


def change_champion(what: str, table: str, reason: str, by: str | None) -> str:
    """Promote the challenger or roll back, and return a sentence about the result."""
    environment.prepare()
    registered_table(table)
    from realmix.tasks.lifecycle import promote

    who = by or getpass.getuser()
    decided = (promote.promote if what == "promote" else promote.rollback)(table, reason, who)
    return f"{table}: {decided['sentence']}"


def print_entry(entry: dict[str, Any]) -> None:
    """Print the result of a retraining in a few lines."""
    tell(f"{entry['level']}: {entry['reason']}")
    for arrival in entry["arrivals"]:
        why = f": {arrival['reason']}" if arrival["reason"] else ""
        tell(f"  {arrival['name']}: {arrival['status']}{why}")
    if entry.get("verdict"):
        tell(f"Verdict: {entry['verdict']}")
        tell(f"Study:   {home() / 'studies' / entry['study']}")
    if entry.get("judgement"):
        tell(f"Champion and challenger: {entry['judgement']['reason']}")

"""Looking after tables from the terminal: take them on, retrain, promote, and say how they are."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows import environment
from tasks.core.config import DataCard, Operation, StudyRequest, read_card
from tasks.core.errors import BadInput
from tasks.core.standing import standing
from tasks.core.state import (
    Decision,
    Registered,
    batches,
    decisions,
    register_table,
    registered_table,
    registered_tables,
)
from tasks.core.study import MIN_FREE_BYTES, Table, home

RETRAINING = "retraining"


def register(card_path: Path, name: str | None) -> str:
    """Take a table on: its rows become a snapshot and its holdout rule is frozen.

    Parameters
    ----------
    card_path : Path
        Its `source` names the rows to begin with.
    name : str, optional
        Of the table; after its source when None.

    Returns
    -------
    str
        The name.

    Raises
    ------
    BadInput
        If the card or its table cannot be used.
    """
    from tasks.core.checks import check_study_input
    from tasks.core.snapshots import take_snapshot
    from tasks.inputs import read_rows, table_name
    from tasks.split import registered_rule

    declared = read_card(card_path)
    if not declared.source:
        raise BadInput(f"The card {card_path} names no `source`; expected where the first rows are. Add it.")
    check_operation(declared)
    raw, source, card = read_rows(StudyRequest(card=str(card_path), out=""))
    name = name or table_name(card, StudyRequest(out=""))
    known = {table.name: table for table in registered_tables()}
    card = card.model_copy(update={"source": f"table:{name}", "operation": placed(card.operation)})
    if name in known:
        register_table(name, card, known[name].snapshot)
        return name
    environment.make_home()
    snapshot = take_snapshot(raw, home() / "snapshots", source=source)
    rows = snapshot.read()
    schema = check_study_input(rows, card)
    registered_rule(Table(name, snapshot, source, card, schema), rows)
    register_table(name, card, snapshot.digest)
    return name


def placed(operation: Operation) -> Operation:
    """The same with an absolute landing folder: workers run elsewhere."""
    landing = operation.landing
    if landing is None or "://" in landing or landing.startswith("sql:"):
        return operation
    return operation.model_copy(update={"landing": str(Path(landing).expanduser().absolute())})


def check_operation(card: DataCard) -> None:
    """Refuse a schedule or a landing place that cannot work.

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
    """Say of each table what it is, decided and waiting for, in lines."""
    tables = registered_tables()
    if not tables:
        yield "No table is registered: realmix register CARD takes one on."
    for table in tables:
        yield from _status_of(table)


def _status_of(table: Registered) -> Iterator[str]:
    waiting, entries = batches(table.name, "waiting"), decisions(table.name)
    retrained = [entry for entry in entries if entry.kind == RETRAINING]
    studied = [entry for entry in retrained if entry.document["level"] != "skip"]
    yield f"{table.name}"
    if studied:
        last = studied[-1]
        yield f"  last verdict: {last.document['verdict']} ({last.document['study']}, {last.made_at})"
    else:
        yield "  last verdict: none yet"
    yield f"  champion: {champion_line(entries)}"
    if retrained and retrained[-1].document.get("judgement"):
        yield f"  last judgement: {retrained[-1].document['judgement']['reason']}"
    pending = sum(batch.n_rows for batch in waiting)
    undecided = "" if table.decided in (None, table.snapshot) else "; rows taken in and not decided on yet"
    yield f"  pending data: {len(waiting)} batches, {pending:,} rows{undecided}"
    yield f"  next run: {next_run(table)}"


def champion_line(entries: list[Decision]) -> str:
    """Version of the champion, and of a challenger that waits, from the record."""
    found = standing(entries)
    champion = f"version {found.champions[-1]}" if found.champions else "none yet"
    if found.waiting is None:
        return champion
    waiting = found.waiting.document["challenger_version"]
    return f"{champion}; version {waiting} waits for `realmix promote`"


def next_run(table: Registered) -> str:
    """When the card's schedule fires next, and what else may."""
    from cronsim import CronSim

    operation, said = table.card.operation, []
    if operation.schedule:
        when = next(CronSim(operation.schedule, datetime.now(UTC)))
        said.append(f"{when:%Y-%m-%d %H:%M} UTC")
    if operation.landing:
        said.append(f"when rows land in {operation.landing} (looked at every {operation.poll_seconds:g} s)")
    if not said:
        return "when asked: realmix retrain " + table.name
    return ", ".join(said) + ("" if running_up() else "; but `realmix up` is not running")


def running_up() -> dict[str, Any] | None:
    """Addresses of a `realmix up` that runs in this home."""
    from flows.up import running

    return running()


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was looked at, whether it is well, and else the fix."""

    subject: str
    is_well: bool
    said: str


def tier() -> str:
    """Which of the three ways to run is in use."""
    if running_up():
        return "workstation"
    return "cluster" if os.environ.get("PREFECT_API_URL") else "embedded"


TIERS = {
    "embedded": (
        "everything in this process; MLflow in a SQLite file. No schedules, no watching, no pages of Prefect: "
        "realmix run, retrain and watch by hand or by cron. `realmix up` gives the rest."
    ),
    "workstation": "servers and worker of `realmix up` on loopback: schedules, watching, events, pages.",
    "cluster": "the Prefect server that PREFECT_API_URL names; its workers run the deployments.",
}


def doctor() -> list[Finding]:
    """Look at what a run would need, one finding each."""
    environment.prepare()
    found = tier()
    checks: list[Callable[[], Finding]] = [check_home, check_mlflow, check_prefect]
    findings = [Finding("tier", True, f"{found}: {TIERS[found]}"), *(check() for check in checks)]
    for table in registered_tables():
        findings += check_table(table)
    return findings


def check_home() -> Finding:
    """Whether the home folder can be written and has room."""
    place = home()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK):
        return Finding(
            "home", False, f"{home()} cannot be written: change its permissions, or set REALMIX_HOME."
        )
    if free < MIN_FREE_BYTES:
        return Finding(
            "home", False, f"{home()} has {free / 1024**2:.0f} MiB free: free some, or set REALMIX_HOME."
        )
    return Finding("home", True, f"{home()}, {free / 1024**3:.1f} GiB free")


def check_mlflow() -> Finding:
    """Whether MLflow's store answers."""
    from tasks.core.locations import without_secrets
    from tasks.track import ping

    uri = os.environ["MLFLOW_TRACKING_URI"]
    try:
        ping()
    except Exception as err:  # whatever a store raises is what the line is about
        return Finding(
            "mlflow",
            False,
            f"{without_secrets(uri)} does not answer ({type(err).__name__}): start it, or correct "
            "MLFLOW_TRACKING_URI. Studies finish without it; `realmix sync` tells it of them later.",
        )
    return Finding("mlflow", True, without_secrets(uri))


def check_prefect() -> Finding:
    """Whether the named Prefect server answers; an embedded one starts with each run."""
    from urllib.request import urlopen

    from tasks.core.locations import without_secrets

    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return Finding("prefect", True, "embedded: a server of its own for each run")
    try:
        with urlopen(f"{url}/health", timeout=5):
            return Finding("prefect", True, without_secrets(url))
    except OSError as err:
        said = f"{without_secrets(url)} does not answer ({type(err).__name__}): start it, or unset PREFECT_API_URL."
        return Finding("prefect", False, said)


def check_table(table: Registered) -> Iterator[Finding]:
    """What a table's card needs of this machine."""
    operation, subject = table.card.operation, f"table {table.name}"
    if operation.landing and "://" not in operation.landing and not operation.landing.startswith("sql:"):
        is_there = Path(operation.landing).expanduser().is_dir()
        said = operation.landing if is_there else f"there is no folder {operation.landing}: make it."
        yield Finding(f"{subject}: landing", is_there, said)
    if operation.landing and operation.landing.startswith("sql:"):
        is_set = bool(os.environ.get("REALMIX_SQL_URL"))
        yield Finding(
            f"{subject}: landing",
            is_set,
            "REALMIX_SQL_URL " + ("is set" if is_set else "is not set: set it."),
        )
    for name in operation.notify:
        if not name.startswith("block:"):
            is_set = bool(os.environ.get(name))
            yield Finding(
                f"{subject}: notify", is_set, f"{name} " + ("is set" if is_set else "is not set: set it.")
            )
    path = home() / "snapshots" / f"{table.snapshot}.parquet"
    if not path.exists():
        yield Finding(subject, False, f"its rows, {path}, are gone: restore the file from a backup.")


def is_due(name: str) -> bool:
    """Look at the landing place of a table; True where something is to be decided on."""
    environment.prepare()
    from flows.watch import waiting_key
    from tasks.arrive import look

    look(name)
    return waiting_key(name) is not None


def change_champion(what: str, table: str, reason: str, by: str | None) -> str:
    """Promote the challenger or roll back, and say what stands now."""
    environment.prepare()
    registered_table(table)
    from tasks import promote

    who = by or getpass.getuser()
    decided = (promote.promote if what == "promote" else promote.rollback)(table, reason, who)
    return f"{table}: {decided['sentence']}"


def print_entry(entry: dict[str, Any]) -> None:
    """Print what a retraining did, in a few lines."""
    print(f"{entry['level']}: {entry['reason']}")
    for arrival in entry["arrivals"]:
        why = f": {arrival['reason']}" if arrival["reason"] else ""
        print(f"  {arrival['name']}: {arrival['status']}{why}")
    if entry.get("verdict"):
        print(f"Verdict: {entry['verdict']}")
        print(f"Study:   {home() / 'studies' / entry['study']}")
    if entry.get("judgement"):
        print(f"Champion and challenger: {entry['judgement']['reason']}")

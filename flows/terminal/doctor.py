"""`realmix doctor`: check home, MLflow, Prefect and tables, and name a fix for each problem."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from realmix.flows.local import environment
from realmix.flows.terminal.tables import running_up
from realmix.tasks.core.errors import BadInput, ModelChanged
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.runtime.database import decisions, registered_tables
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.state_connection import state_address, transaction
from realmix.tasks.runtime.state_upgrade import HEAD
from realmix.tasks.runtime.study_folder import MIN_FREE_BYTES, home


@dataclass(frozen=True)
class Finding:
    """One line of output: what was checked, whether it is in order, and details or else the fix."""

    subject: str
    is_ok: bool
    message: str


def tier() -> str:
    """Return which of the three setups in `TIERS` is in use."""
    if running_up():
        return "workstation"
    return "cluster" if settings().prefect_api_url else "embedded"


TIERS = {
    "embedded": (
        "everything runs in the command's own process, MLflow is a SQLite file. Start `realmix run`, `retrain` "
        "and `watch` by hand or with cron; `realmix up` adds schedules, a check for new rows and Prefect's pages."
    ),
    "workstation": "`realmix up` runs servers and a worker on this machine: schedules, new rows, events, pages.",
    "cluster": "PREFECT_API_URL names a Prefect server, whose workers run the deployments.",
}


def doctor() -> list[Finding]:
    """Check everything that a run needs; one finding each."""
    environment.prepare()
    found = tier()
    state = check_state()
    checks: list[Callable[[], Finding]] = [check_home, check_mlflow, check_prefect]
    findings = [Finding("tier", True, f"{found}: {TIERS[found]}"), state, *(check() for check in checks)]
    for table in registered_tables() if state.is_ok else ():
        findings += check_table(table)
    return findings


def check_state() -> Finding:
    """Check that the database of registered tables and decisions can be used."""
    try:
        with transaction():
            return Finding("state", True, f"{state_address()}, revision {HEAD}")
    except BadInput as err:
        return Finding("state", False, str(err))


def check_home() -> Finding:
    """Check that the home folder can be written and has free space."""
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
    """Check that MLflow answers, and that its version is ours."""
    from realmix.tasks.core.urls import without_secrets
    from realmix.tasks.study.track import ping
    from realmix.tasks.study.tracking_store import check_tracking_store

    uri = settings().mlflow_tracking_uri
    try:
        check_tracking_store()
        ping()
    except BadInput as err:
        return Finding("mlflow", False, str(err))
    except Exception as err:  # whatever a store raises, its type is reported
        if "error code 401" in str(err):
            login = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            return Finding("mlflow", False, f"{without_secrets(uri)} refuses this login: {login}")
        return Finding(
            "mlflow",
            False,
            f"{without_secrets(uri)} does not answer ({type(err).__name__}): start it, or correct "
            "MLFLOW_TRACKING_URI. Studies finish without it; `realmix sync` uploads them later.",
        )
    return Finding("mlflow", True, without_secrets(uri))


def check_prefect() -> Finding:
    """Check that the named Prefect server answers; an embedded one starts with each run."""
    url = settings().prefect_api_url
    if not url:
        return Finding("prefect", True, "embedded: a server of its own for each run")
    from realmix.flows.local.access import why_no_prefect
    from realmix.tasks.core.urls import without_secrets

    problem = why_no_prefect()
    return Finding("prefect", problem is None, problem or without_secrets(url))


def check_table(table: Registered) -> Iterator[Finding]:
    """Check what a table's card needs of this machine."""
    operation, subject = table.card.operation, f"table {table.name}"
    if operation.landing and "://" not in operation.landing and not operation.landing.startswith("sql:"):
        is_there = Path(operation.landing).expanduser().is_dir()
        message = operation.landing if is_there else f"there is no folder {operation.landing}: create it."
        yield Finding(f"{subject}: landing", is_there, message)
    if operation.landing and operation.landing.startswith("sql:"):
        yield check_variable(f"{subject}: landing", "REALMIX_SQL_URL")
    for name in operation.notify:
        if not name.startswith("block:"):
            yield check_variable(f"{subject}: notify", name)
    path = home() / "snapshots" / f"{table.snapshot}.parquet"
    if not path.exists():
        yield Finding(subject, False, f"its rows, {path}, are missing: restore the file from a backup.")
    yield from check_champion(table.name)


def check_champion(name: str) -> Iterator[Finding]:
    """Check that MLflow's champion is that of the record, file by file; nothing where MLflow does not answer."""
    from realmix.tasks.core.lifecycle.champion_record import read_champion_record
    from realmix.tasks.lifecycle.model_files import MODEL, check_version, recorded_digests
    from realmix.tasks.lifecycle.promote import champion

    recorded = read_champion_record(decisions(name)).champions[-1:]
    for number in recorded:
        try:
            found = champion(name)
            check_version(name, number)
        except ModelChanged as err:
            yield Finding(f"table {name}: champion", False, str(err))
        except Exception:  # whatever a store raises: MLflow has a finding of its own
            return
        else:
            is_same = found is not None and found["version"] == number
            digest = recorded_digests(name, number).get(MODEL, "not recorded")
            message = (
                f"version {number}, model's sha256 {digest}"
                if is_same
                else f"MLflow's alias `champion` is not at version {number} of the record: the next retraining "
                "sets it back."
            )
            yield Finding(f"table {name}: champion", is_same, message)


def check_variable(subject: str, name: str) -> Finding:
    """Check that an environment variable is set."""
    is_set = bool(os.environ.get(name))
    return Finding(subject, is_set, f"{name} is set" if is_set else f"{name} is not set: set it.")

"""`realmix doctor`: check home, MLflow, Prefect and tables, and name the fix of what is wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from realmix.flows.local import environment
from realmix.flows.terminal.tables import running_up
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.runtime.database import (
    registered_tables,
)
from realmix.tasks.runtime.study_folder import MIN_FREE_BYTES, home


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
    from realmix.tasks.core.urls import without_secrets
    from realmix.tasks.study.track import ping

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

    from realmix.tasks.core.urls import without_secrets

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

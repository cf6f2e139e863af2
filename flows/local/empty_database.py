"""An empty database of Prefect, made once when realmix is installed and copied into each new home.

Prefect makes its database by about a hundred changes, one after the other: 4 seconds of a processor before a
study can begin. ``python -m realmix.flows.local.empty_database`` makes it; where nobody has run that, Prefect's
server makes it in the home.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from realmix.flows.local.environment import QUIET
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime.study_folder import home

NAME = "prefect.db"


def kept() -> Path:
    """Return where the environment of this Python keeps the database of the installed Prefect."""
    return Path(sys.prefix) / "share" / "realmix" / f"prefect-{version('prefect')}.db"


def make(target: Path) -> None:
    """Let Prefect make an empty database in a file.

    Raises
    ------
    RealmixError
        If Prefect fails or the file cannot be written.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    beside = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run(
                [sys.executable, "-P", "-m", "prefect", "server", "database", "upgrade", "--yes"],
                cwd=folder,  # Prefect reads settings from the current folder
                env=env | QUIET | {"PREFECT_HOME": folder},
                capture_output=True,
                text=True,
            )
            if made.returncode:
                raise RealmixError(f"Prefect cannot make its database: {made.stdout}{made.stderr}")
            with closing(sqlite3.connect(Path(folder) / NAME)) as database:
                database.execute("VACUUM INTO ?", (str(beside),))
        beside.replace(target)
    except (OSError, sqlite3.Error) as err:
        with suppress(OSError):
            beside.unlink()
        raise RealmixError(f"{target} cannot be written: {err}.") from err


def place() -> None:
    """Copy the database that the environment keeps, if it does, to Prefect's home, if that has nothing of one.

    What SQLite left beside a database that somebody removed would be replayed into another one.
    """
    target = Path(os.environ.get("PREFECT_HOME") or home() / "prefect") / NAME
    if any(target.with_name(NAME + end).exists() for end in ("", "-wal", "-journal")):
        return
    partial = target.with_name(f"{NAME}.{os.getpid()}")
    with suppress(OSError):  # then Prefect makes it, or says what is wrong
        try:
            shutil.copyfile(kept(), partial)
            os.link(partial, target)  # never over a database that another process has made meanwhile
        finally:
            partial.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        make(kept())
    except RealmixError as err:
        sys.exit(f"realmix: {err}")

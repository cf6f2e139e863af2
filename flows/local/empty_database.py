"""Prefect's SQLite file for a new home, made from a script instead of by Prefect's hundred migrations."""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

# Another database that Prefect is to use.
ELSEWHERE = ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL")


def make_database(folder: Path) -> None:
    """Create the database in a folder, completely or not at all, as the migrations of this version leave it.

    If it exists, or the script is of another version of Prefect, nothing is done: Prefect's server runs its
    migrations itself whenever it starts.

    Parameters
    ----------
    folder : Path
        ``PREFECT_HOME``.
    """
    script, path = script_of(version("prefect")), folder / "prefect.db"
    if path.exists() or not script.exists() or any(name in os.environ for name in ELSEWHERE):
        return
    begun = path.with_name(f".{uuid.uuid4().hex}.db")
    try:
        with closing(sqlite3.connect(begun)) as database:
            database.executescript(script.read_text(encoding="utf-8"))
        with suppress(FileExistsError):  # another process was faster
            path.hardlink_to(begun)
    finally:
        begun.unlink(missing_ok=True)


def script_of(prefect: str) -> Path:
    """Return where the script of a version of Prefect would be."""
    return Path(__file__).with_name(f"prefect-{prefect}.sql")

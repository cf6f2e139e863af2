"""Print the script of Prefect's empty database: ``python -m tests.flows.local.prefect_database``.

Write it to the file that :func:`realmix.flows.local.empty_database.script_of` names, after a change of Prefect.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

MIGRATE = (
    "import asyncio; from prefect.server.database.dependencies import provide_database_interface; "
    "asyncio.run(provide_database_interface().create_db())"
)


def migrated(folder: Path) -> str:
    """Run all migrations in an empty folder, and return the script of what they leave."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    fixed = {"PREFECT_HOME": str(folder), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    subprocess.run([sys.executable, "-c", MIGRATE], check=True, env=kept | fixed, cwd=folder)
    return script(folder / "prefect.db")


def script(path: Path) -> str:
    """Return the script that makes an equal database."""
    with closing(sqlite3.connect(path)) as database:
        return "\n".join(database.iterdump()) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(migrated(Path(scratch)), end="")

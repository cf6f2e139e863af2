"""Make the tables of the state database, or bring those of an earlier release up to date."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, inspect, select, text

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.decision_chain import find_broken_link
from realmix.tasks.runtime.state_tables import decisions
from realmix.tasks.runtime.study_folder import home_id

# The last of `migrations/versions`.
HEAD = "0002"
MIGRATIONS = Path(__file__).parent / "migrations"
# Of our own: MLflow and Prefect call theirs alembic_version, and may share the database.
VERSION_TABLE = "realmix_version"


def schema_version(connection: Connection) -> str | None:
    """Return the revision of the tables; None where there are none, or those of the first release."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")))


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, within the transaction of the connection.

    A file of an earlier release is copied beside itself first, and its decisions are verified.

    Raises
    ------
    BadInput
        If a newer release made the tables, or a decision was changed from outside: nothing is changed.
    """
    version = schema_version(connection)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise BadInput(
            f"A newer realmix has changed the state (revision {version}; this one knows {HEAD}). "
            "Install that release here, too."
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE, home=home_id())
    if inspect(connection).has_table("decisions"):
        read_decisions(connection)
        if connection.dialect.name == "sqlite":
            _keep_copy(Path(str(connection.engine.url.database)), version or "0001")
        if version is None:
            command.stamp(config, "0001")
    command.upgrade(config, "head")


def read_decisions(connection: Connection) -> list[Row[Any]]:
    """Read the decisions of all tables, oldest first, each of which follows from the ones before it.

    Raises
    ------
    BadInput
        If an entry was changed after it was written.
    """
    rows = list(connection.execute(select(decisions).order_by(decisions.c.id)))
    broken = find_broken_link(row._asdict() for row in rows)
    if broken is not None:
        place = connection.engine.url.set(username=None, password=None, query={})
        raise BadInput(
            f"The record of decisions in {place} was changed from outside at entry {broken}. "
            "Restore it from a backup."
        )
    return rows


def _keep_copy(path: Path, version: str) -> None:
    """Copy a SQLite file as it is before an upgrade; its name says the revision."""
    kept = path.with_name(f"{path.stem}-before-upgrade-from-{version}{path.suffix}")
    begun = path.with_name(f".{uuid.uuid4().hex}.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(begun),))
    begun.replace(kept)

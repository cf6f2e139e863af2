"""Move the state of a home from its own file into the database that is named from now on."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Table, func, select

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.state_tables import decisions, holdout_readers, leases, metadata, tables
from realmix.tasks.runtime.state_upgrade import read_decisions, upgrade

# The file keeps what it held, under this name.
MOVED = "state-moved.sqlite"


def move_state(own: Connection, state: Connection) -> None:
    """Copy a home's state into an empty database; rename its file once a database holds all of it.

    Parameters
    ----------
    own, state : Connection
        To the home's file and to the database, each in a transaction.

    Raises
    ------
    BadInput
        If the database holds the state of other homes, or a decision was changed from outside.
    """
    path = Path(str(own.engine.url.database))
    upgrade(own)
    read_decisions(own)
    if _holds(state, own):
        path.rename(path.with_name(MOVED))
    elif all(_is_empty(state, table) for table in (tables, decisions, holdout_readers)):
        for table in metadata.sorted_tables:
            _copy_rows(own, state, table)
    else:
        raise BadInput(
            f"The file {path} holds the state of this home, and the database that REALMIX_STATE_URL names that of "
            f"another one: two records of decisions cannot become one. Rename the file to {MOVED} to go on with the "
            "database and to register the tables there anew, or unset the variable to go on with the file."
        )


def _holds(state: Connection, own: Connection) -> bool:
    keys = (
        decisions.c.digest,
        tables.c.name + "\n" + tables.c.registered_at,
        holdout_readers.c.registration + "\n" + holdout_readers.c.reader,
    )
    return all(set(own.scalars(select(key))) <= set(state.scalars(select(key))) for key in keys)


def _is_empty(state: Connection, table: Table) -> bool:
    return state.scalar(select(func.count()).select_from(table)) == 0


def _copy_rows(own: Connection, state: Connection, table: Table) -> None:
    """Copy the rows in their order; numbers of rows are given anew, and leases belong to nobody now."""
    columns = [column for column in table.columns if column.name != "id"]
    rows = [row._asdict() for row in own.execute(select(*columns).order_by(*table.primary_key))]
    if rows and table is not leases:
        state.execute(table.insert(), rows)

"""Rows appended to a table of a database, recognized by a strictly increasing key."""

from __future__ import annotations

import time
from collections.abc import Generator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import Landed, LandingSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.sources._plain import plain_types
from realmix.tasks.sources.sql import PREFIX, find_table, open_database

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, Connection, Select, TableClause

Key = int | str


class Cursor(TypedDict):
    """Rows up to the key `taken` are read; `seen` was the highest key at the time `since` (Unix seconds)."""

    taken: Key | None
    seen: Key | None
    since: float | None


def read_appended(
    location: str, operation: Operation, cursor: Cursor | None
) -> Generator[Landed, None, None]:
    """Read the rows that were in the table `operation.lag_seconds` ago.

    A transaction may get its keys first and commit last. So a poll stores the highest key and the
    time, and the rows up to that key are read a lag later, when such transactions have ended; rows of
    transactions longer than the lag are lost. Where the clock was set back, the lag starts again: no
    row is lost, none is read twice.

    Parameters
    ----------
    location : str
        ``sql:TABLE`` in the database of ``REALMIX_SQL_URL``.
    operation : Operation
    cursor : Cursor, optional

    Raises
    ------
    BadInput
        If the card names no cursor column, the column cannot be one, or the database does not answer or
        refuses.
    """
    from sqlalchemy import column

    name = operation.cursor
    if not name:
        raise BadInput(
            f"'{location}' has no cursor column; expected the strictly increasing column that says which rows "
            "are new. Name it under `operation.cursor` in the card."
        )
    cursor = cursor or Cursor(taken=None, seen=None, since=None)
    taken, seen, since = cursor["taken"], cursor["seen"], cursor["since"]
    with open_database(location) as connection:
        key: ColumnClause[Any] = column(name)
        table = find_table(connection, location.removeprefix(PREFIX).strip())
        if seen is None or since is None:
            seen, since = _highest(connection, table, key, taken), time.time()
        if seen is None:
            return
        now = time.time()
        since = min(since, now)
        if now - since < operation.lag_seconds:
            yield Landed(Cursor(taken=taken, seen=seen, since=since))
            return
        rows = _read_rows(connection, table, key, taken, seen)
        after = _highest(connection, table, key, seen)
    until = Cursor(taken=seen, seen=after, since=None if after is None else time.time())
    if rows.empty:
        yield Landed(until)
        return
    # In the order of the key, so that equal content has one digest.
    source = {"kind": "sql", "location": location, "row_order": "query"}
    yield Landed(until, f"{location}, {len(rows):,} new", plain_types(rows, f"'{location}'"), source=source)


def start_after(operation: Operation, rows: pd.DataFrame) -> Cursor | None:
    """Return a cursor above the highest key that the registered table already has.

    Examples
    --------
    >>> start_after(Operation(cursor="id"), pd.DataFrame({"id": [1, 7, 3]}))
    {'taken': 7, 'seen': None, 'since': None}
    """
    if operation.cursor not in rows.columns or rows[operation.cursor].isna().all():
        return None
    highest = rows[operation.cursor].max()
    return Cursor(taken=_as_key(highest, operation.cursor), seen=None, since=None)


def _highest(
    connection: Connection, table: TableClause, key: ColumnClause[Any], above: Key | None
) -> Key | None:
    """Return the table's highest key above this one; None where there is none."""
    from sqlalchemy import func, select

    wanted: Select[Any] = select(func.max(key)).select_from(table)
    found = connection.scalar(wanted if above is None else wanted.where(key > above))
    return None if found is None else _as_key(found, key.name)


def _read_rows(
    connection: Connection, table: TableClause, key: ColumnClause[Any], above: Key | None, until: Key
) -> pd.DataFrame:
    from sqlalchemy import literal_column, select

    wanted: Select[Any] = select(literal_column("*")).select_from(table).where(key <= until).order_by(key)
    return pd.read_sql_query(wanted if above is None else wanted.where(key > above), connection)


def _as_key(value: Any, column: str | None) -> Key:
    """Convert a key to a value that JSON stores exactly."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float | Decimal | np.integer | np.floating)
    if is_number and not isinstance(value, bool) and value == int(value):
        return int(value)
    raise BadInput(
        f"The cursor column '{column}' holds values of the type {type(value).__name__}; expected whole numbers "
        "or text that strictly increase from row to row. Name another column under `operation.cursor`."
    )


SPEC = LandingSpec(
    name="sql",
    matches=lambda location: location.startswith(PREFIX),
    read=read_appended,
    start=start_after,
)

"""A table or query of a database; the URL comes from the environment, never from the card."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.errors import BadInput, NoAnswer
from realmix.tasks.core.versions import require
from realmix.tasks.runtime.settings import settings
from realmix.tasks.sources._plain import plain_types
from realmix.tasks.sources._table import typed_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, TableClause
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import SQLAlchemyError

PREFIX = "sql:"
URL_VARIABLE = "REALMIX_SQL_URL"
CONNECT_TIMEOUT_SECONDS = 5
# SQLAlchemy's default PostgreSQL driver changes between its versions; psycopg2 is the one installed here.
DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
CONNECT_ARGS: dict[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    "mysql": {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    "sqlite": {"timeout": CONNECT_TIMEOUT_SECONDS},
}
# A query that writes is refused by the database. PostgreSQL's is an option of SQLAlchemy's connection.
READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
QUERY = re.compile(r"(select|with)\s", re.IGNORECASE)
ORDERED = re.compile(r"\border\s+by\b[^()]*$", re.IGNORECASE)
# SQLSTATE classes whose messages quote cells: data exception, integrity violation.
STATES_THAT_QUOTE_CELLS = ("22", "23")


class SqlSource:
    """The result of one query, in the order in which the database gives it.

    Parameters
    ----------
    location : str
        ``sql:TABLE``, ``sql:SCHEMA.TABLE`` or ``sql:SELECT ...``. The SQLAlchemy URL of the
        database is taken from the environment variable ``REALMIX_SQL_URL``.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.statement = location.removeprefix(PREFIX).strip()
        if "\0" in self.statement:
            raise BadInput("'sql:' holds a zero byte; expected sql:TABLE or sql:SELECT .... Remove it.")
        if not self.statement:
            raise BadInput("'sql:' names no table; expected sql:TABLE or sql:SELECT .... Add one.")
        # Even one in a text: databases differ in where a text ends, and a second statement might write.
        if self.is_query and ";" in self.statement.rstrip("; \n\t"):
            raise BadInput(
                f"'{location}' holds a semicolon; expected one query. Make a view of it in the database, and name "
                "that after 'sql:'."
            )
        self._database: dict[str, Any] = {}

    @property
    def is_query(self) -> bool:
        """Whether the location has a query, not a table's name."""
        return bool(QUERY.match(self.statement))

    def load(self) -> pd.DataFrame:
        """Read all rows, each column of text typed by what its cells say.

        Raises
        ------
        BadInput
            As :meth:`read`; also if a column must not be used before a person says how it is to be read.
        """
        return typed_rows(self.read())

    def read(self) -> pd.DataFrame:
        """Read all rows in the database's types.

        Raises
        ------
        BadInput
            If the URL is missing or wrong, the database does not answer, or it refuses
            the table or query. The password is in no message.
        """
        with open_database(self.location) as connection:
            url = connection.engine.url
            self._database = {"dialect": url.get_backend_name(), "host": url.host, "database": url.database}
            frame = self._read(connection)
        return plain_types(frame, f"'{self.location}'")

    def describe(self) -> dict[str, Any]:
        """Return location, order of rows, and after loading the database, without user or password."""
        is_ordered = self.is_query and bool(ORDERED.search(self.statement))
        row_order = "query" if is_ordered else "unspecified"
        return {"kind": "sql", "location": self.location, "row_order": row_order, **self._database}

    def _read(self, connection: Connection) -> pd.DataFrame:
        from sqlalchemy import literal_column, select

        if self.is_query:
            # Without parameters a % in the query stays a %.
            result = connection.execution_options(no_parameters=True).exec_driver_sql(self.statement)
        else:
            table = find_table(connection, self.statement)
            result = connection.execute(select(literal_column("*")).select_from(table))
        names, rows = list(result.keys()), result.fetchall()
        columns = [_typed(cells) for cells in zip(*rows, strict=True)]
        return pd.concat(columns, axis=1).set_axis(names, axis=1) if rows else pd.DataFrame(columns=names)


def _typed(cells: Sequence[Any]) -> pd.Series:
    """Give cells the type that they share; whole numbers beside missing cells stay exact."""
    values = pd.Series(cells, dtype=object)
    is_whole = pd.api.types.infer_dtype(values, skipna=True) == "integer"
    return values if is_whole and values.isna().any() else values.infer_objects()


@contextmanager
def open_database(location: str) -> Iterator[Connection]:
    """Connect to the database of ``REALMIX_SQL_URL`` for reading; turn its errors into `BadInput`.

    Parameters
    ----------
    location : str
        What is read there, for messages.

    Raises
    ------
    BadInput
        See :meth:`SqlSource.load`.
    """
    from sqlalchemy.exc import SQLAlchemyError

    engine = _create_engine(_database_url())
    try:
        with _connect(engine) as connection:
            if statement := READ_ONLY.get(engine.dialect.name):
                connection.exec_driver_sql(statement)
            yield connection
    except SQLAlchemyError as err:
        if getattr(err, "connection_invalidated", False):
            raise NoAnswer(
                f"The database broke the connection while '{location}' was read. Run again."
            ) from err
        raise BadInput(
            f"The database refused '{location}': {_reason(err)}. Correct the table or query."
        ) from err
    finally:
        engine.dispose()


def _database_url() -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    given = settings().sql_url
    if not (given and given.get_secret_value()):
        raise BadInput(
            f"The environment variable {URL_VARIABLE} is not set; expected the database's SQLAlchemy URL. "
            f"Set it, for example: export {URL_VARIABLE}=postgresql+psycopg2://user:password@host/database"
        )
    try:
        url = make_url(given.get_secret_value())
    except (ArgumentError, ValueError):
        raise BadInput(
            f"{URL_VARIABLE} is no SQLAlchemy URL; expected dialect://user:password@host/database. "
            "Correct it."
        ) from None  # the library quotes the URL, password included
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if is_file and not Path(str(url.database)).exists():
        raise BadInput(f"There is no SQLite file '{url.database}' as {URL_VARIABLE} says. Check the path.")
    return url


def _create_engine(url: URL) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import NoSuchModuleError
    from sqlalchemy.pool import NullPool

    if url.drivername == DRIVERS["postgresql"]:
        require("psycopg2", "postgres", "A PostgreSQL database")
    try:
        arguments = CONNECT_ARGS.get(url.get_backend_name(), {})
        engine = create_engine(
            url, connect_args=arguments, poolclass=NullPool, execution_options={"postgresql_readonly": True}
        )
    except (NoSuchModuleError, ImportError) as err:
        raise BadInput(
            f"{URL_VARIABLE} asks for the dialect '{url.drivername}', which is not installed. "
            "Install its driver, or use postgresql+psycopg2:// or sqlite:///."
        ) from err
    if engine.dialect.is_async:
        raise BadInput(
            f"{URL_VARIABLE} asks for the asynchronous driver '{url.drivername}'; expected a plain one. "
            f"Write {url.get_backend_name()}:// instead."
        )
    return engine


def _connect(engine: Engine) -> Connection:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return engine.connect()
    except SQLAlchemyError as err:
        url = engine.url
        place = f"{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database}"
        raise NoAnswer(
            f"The {url.get_backend_name()} database at {place} does not answer or refuses the connection "
            f"(waited at most {CONNECT_TIMEOUT_SECONDS} s per address). "
            f"Check that it runs, and host, user and password in {URL_VARIABLE}."
        ) from err


def find_table(connection: Connection, name: str) -> TableClause:
    """Find a table or view by its name, ``TABLE`` or ``SCHEMA.TABLE``.

    Raises
    ------
    BadInput
        If the database has none of that name.
    """
    from sqlalchemy import inspect, table

    schema, _, bare = name.rpartition(".")
    inspector = inspect(connection)
    if not inspector.has_table(bare, schema=schema or None):
        known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
        near = difflib.get_close_matches(bare, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "."
        raise BadInput(
            f"The database has no table '{name}'{hint} It holds: {', '.join(sorted(known)) or 'no tables'}. "
            "Correct the name after 'sql:'."
        )
    return table(bare, schema=schema or None)


def _reason(err: SQLAlchemyError) -> str:
    """Return the database's own message where it cannot quote cells, else only the error's type."""
    original = getattr(err, "orig", None)
    state = getattr(original, "pgcode", None)
    if original is None or (state or "").startswith(STATES_THAT_QUOTE_CELLS):
        return f"{type(original or err).__name__}{f' (SQLSTATE {state})' if state else ''}"
    return str(original).strip().split("\n")[0]


SPEC = SourceSpec(name="sql", matches=lambda location: location.startswith(PREFIX), build=SqlSource, order=20)

"""Connect to the state database: one SQLite file under the home folder, or PostgreSQL for a team.

Every change is one transaction, and transactions take turns on both engines: a killed process leaves the
state before or after its change, and what a transaction has read holds until it ends.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, Table, create_engine, event, func, make_url, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import NullPool

from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.core.versions import require
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.snapshots import explain_os_error
from realmix.tasks.runtime.state_move import MOVED, move_state
from realmix.tasks.runtime.state_tables import leases
from realmix.tasks.runtime.state_upgrade import upgrade
from realmix.tasks.runtime.study_folder import home

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

URL_VARIABLE = "REALMIX_STATE_URL"
FILE = "state.sqlite"
DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "postgresql+psycopg2": "postgresql+psycopg2",
}
# A transaction of another process takes milliseconds; a disk that stalls, or a server that restarts, seconds.
PATIENCE_SECONDS = 30
# What a file, a server or a network raises; a standby that takes no changes, and a transaction that stood still
# for too long, are internal errors of PostgreSQL.
UNUSABLE = (OperationalError, InternalError, InterfaceError, sqlite3.Error)
# Of PostgreSQL, and an internal error as well: a change that a trigger of ours refuses.
RAISED = "P0001"
# Of PostgreSQL: a wrong address is reported at once, and a machine that is gone is noticed.
CONNECT_ARGUMENTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# One number for all processes that change one state on PostgreSQL.
TURN = 7_325_649
# (name, owner) of the leases under which the present code runs, see leases.py.
held: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("held", default=())
_reached: set[URL] = set()


def state_url() -> URL:
    """Return the URL of the state: ``REALMIX_STATE_URL``, or a SQLite file under the home folder.

    Raises
    ------
    BadInput
        If the variable holds no URL of SQLite or PostgreSQL; its value is in no message.
    """
    given = settings().state_url
    value = given.get_secret_value() if given else ""
    if not value:
        return home_file()
    expected = "postgresql://user:password@host/database, or sqlite:/// and an absolute path"
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # Not chained: the error may quote the password.
        raise BadInput(f"{URL_VARIABLE} is no URL; expected {expected}. Correct it.") from None
    if url.drivername not in DRIVERS:
        raise BadInput(f"{URL_VARIABLE} begins with '{url.drivername}'; expected {expected}. Correct it.")
    if url.drivername == "sqlite" and not Path(url.database or "").is_absolute():
        raise BadInput(f"{URL_VARIABLE} names no absolute path of a file; expected {expected}. Correct it.")
    if url.drivername != "sqlite":
        require("psycopg2", "postgres", "A state in PostgreSQL")
    return url.set(drivername=DRIVERS[url.drivername])


def home_file() -> URL:
    """Return the URL of the state where nothing else is named."""
    return URL.create("sqlite", database=str(home() / FILE))


def state_address() -> str:
    """Return the state's URL without user, password and options, for people."""
    url = state_url()
    shown = url.set(drivername=url.get_backend_name(), query={})
    return without_secrets(shown.render_as_string(hide_password=True))


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open the state for one change, of which everything is stored or nothing.

    Its tables are made, or brought up to date, when it is first opened.

    Raises
    ------
    BadInput
        If the database cannot be reached or used, or another process holds it for too long.
    RealmixError
        If another process has taken over a lease under which this code runs.
    """
    url = state_url()
    with _explained(), _begin(url) as connection:
        yield connection
        connection.commit()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn errors of file, server and network into a sentence; those of a statement are errors of ours."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as err:
        cause = err.orig if isinstance(err, DBAPIError) else err
        is_raised = getattr(cause, "pgcode", None) == RAISED
        if is_raised or not (isinstance(err, UNUSABLE) or type(cause) is sqlite3.DatabaseError):
            raise
        raise BadInput(
            f"The database {state_address()} cannot be used ({_reason(cause)}). Check that it is reachable, has "
            "space and that no other program holds it, then run again."
        ) from err


def _reason(err: BaseException | None) -> str:
    said = str(err).strip().split("\n")[0]
    password = state_url().password
    return said.replace(str(password), "***") if password else said


def _begin(url: URL) -> Connection:
    """Begin a transaction; a server that was reached before may be away for a while."""
    if url.drivername == "sqlite":
        _prepare_place(Path(str(url.database)))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection = _begin_once(url)
        except OperationalError:
            is_away = url.drivername != "sqlite" and url in _reached
            if not is_away or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            _reached.add(url)
            return connection


def _begin_once(url: URL) -> Connection:
    connection = _engine(url).connect()
    try:
        connection.begin()
        _take_turn(connection)
        check_leases(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_place(path: Path) -> None:
    """Make the folder of a SQLite file, and refuse to begin anew where the state was moved away."""
    moved = path.with_name(MOVED)
    if moved.exists() and not path.exists():
        raise BadInput(
            f"The state of this home was moved into the database that {URL_VARIABLE} named: set {URL_VARIABLE} "
            f"again, or rename {moved} to {FILE} to go back to what the state was then."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise explain_os_error(err, path) from err


@cache
def _engine(url: URL) -> Engine:
    """Make an engine without a pool: connections end with their transaction, and forks inherit none."""
    is_file = url.drivername == "sqlite"
    arguments = {"timeout": PATIENCE_SECONDS} if is_file else CONNECT_ARGUMENTS
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    if is_file:
        _leave_wal(Path(str(url.database)))
        event.listen(engine, "connect", _own_transactions)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _own_transactions(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None


def _leave_wal(path: Path) -> None:
    """Give up the write-ahead log that the first release kept, which no shared volume supports.

    SQLite does so only for the one connection that is open. The file is looked into before this process
    opens it with SQLite: later that would end SQLite's locks.
    """
    if _is_wal(path):
        from filelock import FileLock

        with FileLock(path.with_suffix(".lock")):
            if _is_wal(path):
                with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as connection:
                    connection.execute("PRAGMA journal_mode = DELETE")


def _is_wal(path: Path) -> bool:
    """Return what https://www.sqlite.org/fileformat.html says of bytes 18 and 19."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"


def _take_turn(connection: Connection) -> None:
    """Wait for the other transactions; make, upgrade or fill the tables where that is due."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
        # A process that stops in the middle of a change must not stop the others for ever.
        connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{2 * PATIENCE_SECONDS}s'"))
        connection.execute(select(func.pg_advisory_xact_lock(TURN)))
    upgrade(connection)
    file = home_file()
    if Path(str(file.database)).exists() and not _is_home_file(connection.engine.url):
        with _engine(file).begin() as own:
            move_state(own, connection)


def _is_home_file(url: URL) -> bool:
    """Return whether a state is the home's own, however its path is spelled; both files must exist."""
    return url.drivername == "sqlite" and Path(str(url.database)).samefile(str(home_file().database))


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Begin an INSERT that can say what happens where the row is there already."""
    begun: postgresql.Insert | sqlite.Insert = import_module(
        f"sqlalchemy.dialects.{connection.dialect.name}"
    ).insert(table)
    return begun


def check_leases(connection: Connection) -> None:
    """Refuse a change by a process whose lease another one has taken over.

    Raises
    ------
    RealmixError
    """
    for name, owner in held.get():
        if connection.scalar(select(leases.c.owner).where(leases.c.name == name)) != owner:
            raise RealmixError(
                f"Another process has taken over '{name}', because this one did not answer for too long. It "
                "ends without a further change; see the result of the other by realmix status."
            )

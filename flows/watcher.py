"""One process that looks where the rows of all registered tables land, and asks for their retrainings.

It keeps nothing: what was read stands in the database, and the key of a request follows from the rows, so that
it may be killed anywhere, and several of them do no harm.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

from realmix.flows.local import environment
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.runtime.database import registered_tables

log = logging.getLogger("realmix")
# After so long a registered, changed or removed table is noticed.
ROUND_SECONDS = 5.0


def watch_all(stop: Event, poll: Callable[[str], object]) -> None:
    """Poll each table's landing place at its interval, and a folder as soon as something changes in it.

    Parameters
    ----------
    stop : Event
        Ends it within a round.
    poll : callable
        Of the name of a table.
    """
    due: dict[str, float] = {}
    while not stop.is_set():
        tables = [table for table in registered_tables() if table.card.operation.landing]
        for table in tables:
            if time.monotonic() >= due.get(table.name, 0.0):
                poll_or_log(table.name, poll)
                due[table.name] = time.monotonic() + table.card.operation.poll_seconds
        folders = folders_of(tables)
        for folder in changed(folders, stop):
            due |= dict.fromkeys(folders[folder], 0.0)


def poll_or_log(table: str, poll: Callable[[str], object]) -> None:
    """Poll one table; what goes wrong is logged, and neither ends the process nor holds up other tables."""
    try:
        poll(table)
    except Exception as err:  # whatever a landing place or a server raises: the next poll tries again
        reason = str(err) if isinstance(err, RealmixError) else type(err).__name__
        log.warning("%s was not polled: %s", table, reason)


def folders_of(tables: Iterable[Registered]) -> dict[Path, list[str]]:
    """Return the landing folders that exist, and the names of the tables whose rows land there."""
    found: dict[Path, list[str]] = {}
    for table in tables:
        folder = Path(table.card.operation.landing or "").expanduser()
        if folder.is_absolute() and folder.is_dir():
            found.setdefault(folder.resolve(), []).append(table.name)
    return found


def changed(folders: Iterable[Path], stop: Event) -> set[Path]:
    """Wait for a round, or until something changes in one of the folders; return those."""
    from watchfiles import watch

    wanted = set(folders)
    if not wanted:
        stop.wait(ROUND_SECONDS)
        return set()
    timeout = round(1000 * ROUND_SECONDS)
    changes = watch(
        *wanted,
        recursive=False,
        watch_filter=None,
        stop_event=stop,
        rust_timeout=timeout,
        yield_on_timeout=True,
    )
    return {Path(path).parent for _, path in next(changes, set())} & wanted


def main() -> None:
    """Watch until the process is ended; the Prefect server is the one that the environment names."""
    environment.prepare()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s")
    from realmix.flows.watch import request_retraining
    from realmix.tasks.lifecycle.land import look

    def poll(table: str) -> None:
        look(table)
        request_retraining(table)

    watch_all(Event(), poll)


if __name__ == "__main__":
    main()

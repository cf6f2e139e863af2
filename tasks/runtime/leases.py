"""Let one process at a time work on a table, on whatever machine: leases in the state database.

A lease is renewed while its process lives and expires soon after it died. A process that did not answer
for so long that another took over can change nothing more: each of its transactions is refused.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from sqlalchemy import Connection, delete, func, select, update

from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime.state_connection import held, insert, transaction
from realmix.tasks.runtime.state_tables import leases

log = logging.getLogger("realmix")
# After a death another process waits this long; a machine that stalls for as long loses its lease.
LEASE_SECONDS = 30.0
# Six chances to renew.
HEARTBEAT_SECONDS = 5.0
POLL_SECONDS = 0.5


@contextmanager
def table_lock(name: str) -> Iterator[None]:
    """Make other processes wait that want to retrain or promote the same table meanwhile.

    Parameters
    ----------
    name : str
        Of a table, or of one part of its work, such as ``bank/promotion``.

    Raises
    ------
    BadInput
        If the state cannot be used.
    """
    owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
    _wait_for(name, owner)
    stop = Event()
    Thread(target=_renew_until, args=(stop, name, owner), daemon=True).start()
    before = held.set((*held.get(), (name, owner)))
    try:
        yield
    finally:
        held.reset(before)
        stop.set()
        _release(name, owner)


def _wait_for(name: str, owner: str) -> None:
    waits_for = None
    while (other := _take(name, owner)) != owner:
        if other != waits_for:
            host, process, _ = other.rsplit("/", 2)
            log.info("'%s' is in the hands of process %s on %s: waiting for it", name, process, host)
        waits_for = other
        time.sleep(POLL_SECONDS)


def _take(name: str, owner: str) -> str:
    """Take a lease that is free or expired; return who has it now."""
    with transaction() as state:
        now = _clock(state)
        state.execute(delete(leases).where(leases.c.name == name, leases.c.expires_at < now))
        state.execute(
            insert(state, leases)
            .values(name=name, owner=owner, expires_at=now + LEASE_SECONDS)
            .on_conflict_do_nothing()
        )
        return str(state.scalar(select(leases.c.owner).where(leases.c.name == name)))


def _renew_until(stop: Event, name: str, owner: str) -> None:
    """Renew a lease until its work is done; a server that does not answer is asked again."""
    while not stop.wait(HEARTBEAT_SECONDS):
        try:
            if not (_renew(name, owner) or stop.is_set()):
                log.warning("Another process has taken over '%s'", name)
                return
        except Exception as err:  # whatever it is: a thread that ends loses the lease
            reason = str(err) if isinstance(err, RealmixError) else type(err).__name__
            log.warning("The lease of '%s' is not renewed yet: %s", name, reason)


def _renew(name: str, owner: str) -> bool:
    with transaction() as state:
        mine = update(leases).where(leases.c.name == name, leases.c.owner == owner)
        return bool(state.execute(mine.values(expires_at=_clock(state) + LEASE_SECONDS)).rowcount)


def _release(name: str, owner: str) -> None:
    try:
        with transaction() as state:
            state.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner))
    except RealmixError as err:
        log.warning("The lease of '%s' is not returned and expires by itself: %s", name, err)


def _clock(state: Connection) -> float:
    """Return seconds since 1970, by the one clock that all processes of a state share."""
    if state.dialect.name == "postgresql":
        return float(state.scalars(select(func.extract("epoch", func.clock_timestamp()))).one())
    return time.time()

"""`realmix up`: run and supervise a Prefect server, an MLflow server and a worker on this machine."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import TextIO

import psutil

from realmix.flows.local import environment
from realmix.flows.local.addresses import ADDRESSES, LOCK, running
from realmix.flows.local.child_process import end_marked
from realmix.flows.local.supervisor import Supervisor
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.study_folder import home

# Environment of the servers, the worker and its runs; each can be overridden by setting it first.
SETTINGS = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    # Log messages of realmix are stored with the flow run.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "realmix",
    # These retries take longer than a restart of the server.
    "PREFECT_CLIENT_MAX_RETRIES": "10",
    # What Prefect's server answers while PostgreSQL, its database, refuses connections.
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
    # Kept in the server's memory by default, leases of slots are lost when it restarts, and each run that
    # still holds one crashes at its next renewal, after 225 seconds.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # Runs are deleted after 90 days, Prefect's default.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    # MLflow's job runner is for language models: eight more processes and 2 GB.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # Three lines of addresses for each run would bury everything else.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# Time that `down` gives `up` to stop by itself: three children, five seconds each, and their runs.
DOWN_SECONDS = 30.0
# Retry the lock for this long: other commands take it for an instant to check whether it is held.
LOCK_SECONDS = 1.0


def up(prefect_port: int, mlflow_port: int) -> None:
    """Start servers and worker, print their addresses and supervise them until Ctrl-C, SIGTERM or `down`.

    A server that ``PREFECT_API_URL`` or ``MLFLOW_TRACKING_URI`` (http) names is used and not started.

    Parameters
    ----------
    prefect_port, mlflow_port : int
        Ports of 127.0.0.1; other free ones if these are in use.

    Raises
    ------
    BadInput
        If another `realmix up` runs in this home.
    RealmixError
        If a server does not start.
    """
    settings = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    environment.prepare()
    # This process must not wait for a server that died: it is the one that restarts it.
    os.environ["PREFECT_CLIENT_MAX_RETRIES"] = "0"
    environment.make_home()
    (home() / "logs").mkdir(exist_ok=True)
    with only_one(), asked_to_stop() as stop:
        if n_left := end_marked(home()):
            print(f"Ended {n_left} processes that an earlier `realmix up` had left running.", flush=True)
        Supervisor(stop, settings, prefect_port, mlflow_port).run()


def down() -> None:
    """Stop the `realmix up` of this home and everything it started: first by SIGTERM, then by SIGKILL."""
    found = running()
    if found is None:
        print(f"`realmix up` is not running in {home()}.")
    else:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(found["pid"])
            process.terminate()
            try:
                process.wait(timeout=DOWN_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
        print("Stopped.")
    end_marked(home())


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock of this home while the context is open.

    Raises
    ------
    BadInput
        If another process holds it.
    """
    with (home() / LOCK).open("a") as file:
        if not _lock(file):
            found = running()
            where = f" as process {found['pid']}" if found else ""
            raise BadInput(
                f"`realmix up` already runs in {home()}{where}: use that one, stop it with `realmix down`, or "
                "set REALMIX_HOME to another folder."
            )
        (home() / ADDRESSES).unlink(missing_ok=True)
        try:
            yield
        finally:
            (home() / ADDRESSES).unlink(missing_ok=True)


def _lock(file: TextIO) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


@contextmanager
def asked_to_stop() -> Iterator[Event]:
    """Yield an event that is set by Ctrl-C, SIGTERM or the end of the terminal."""
    stop = Event()
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in wanted}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

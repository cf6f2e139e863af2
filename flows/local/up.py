"""`realmix up`: a Prefect server, an MLflow server and a worker on this machine, looked after until it ends."""

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

# What the servers, the worker and its runs start with; each can be overridden by setting it first.
SETTINGS = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    # What a study says while it runs stands with its run.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "realmix",
    # A server that is started again is back in less than these tries take.
    "PREFECT_CLIENT_MAX_RETRIES": "10",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
    # A look every half minute leaves thousands of runs a day: they are kept for 90 days, Prefect's default.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    # Its job runner is for language models: eight more processes and 2 GB.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # Three lines of addresses for each run would bury everything else.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# `down` lets `up` stop by itself for this long: three children, five seconds each, and their runs.
DOWN_SECONDS = 30.0
# A look at the lock, which others take for an instant to see whether it is held.
LOCK_SECONDS = 1.0


def up(prefect_port: int, mlflow_port: int) -> None:
    """Start what is needed, say where it is, and look after it until Ctrl-C, SIGTERM or `realmix down`.

    A server that ``PREFECT_API_URL`` or ``MLFLOW_TRACKING_URI`` (http) names is used and not started.

    Parameters
    ----------
    prefect_port, mlflow_port : int
        On 127.0.0.1; other free ones are taken where these are in use.

    Raises
    ------
    BadInput
        If another one runs in this home.
    RealmixError
        If a server does not start.
    """
    settings = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    environment.prepare()
    # Who waits for a server that died cannot start it again.
    os.environ["PREFECT_CLIENT_MAX_RETRIES"] = "0"
    environment.make_home()
    (home() / "logs").mkdir(exist_ok=True)
    with only_one(), asked_to_stop() as stop:
        if n_left := end_marked(home()):
            print(f"{n_left} processes that a former `realmix up` left behind were ended.", flush=True)
        Supervisor(stop, settings, prefect_port, mlflow_port).run()


def down() -> None:
    """Stop the `realmix up` of this home and everything it started, kindly at first."""
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
    """Hold the lock of this home.

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
    """An event that is set by Ctrl-C, SIGTERM or the end of the terminal."""
    stop = Event()
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in wanted}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

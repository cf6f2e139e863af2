"""Processes that `realmix up` looks after: started again when they die, never left behind."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from realmix.flows.local.tied_process import MARK

# A child that dies again at once is tried less and less often; after a quiet minute all is forgiven.
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, QUIET_SECONDS = 1.0, 30.0, 60.0
STOP_SECONDS = 5.0
NEVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)


@dataclass
class Child:
    """One process, with whatever it starts itself in its process group.

    Attributes
    ----------
    name : str
        For sentences.
    command : tuple of str
        Module and arguments, as after ``python -m``.
    environment : dict
        All of it; without secrets on the command line, where everybody could read them.
    log : Path
        What it says is added here.
    port : int
        Of 127.0.0.1, on which it listens once it is up; 0 for none.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    n_deaths: int = 0
    started: float = 0.0
    is_due: float = 0.0
    started_at: datetime.datetime = NEVER

    def start(self) -> None:
        """Start it in a process group of its own; it ends with this process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "realmix.flows.local.tied_process", *self.command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started, self.started_at = time.monotonic(), datetime.datetime.now(datetime.UTC)

    def revive(self) -> str | None:
        """Start it again if it died, and not too soon.

        Returns
        -------
        str or None
            One line where something happened.
        """
        if self.process is None:
            if time.monotonic() < self.is_due:
                return None
            self.start()
            return f"{self.name} is started again."
        code = self.process.poll()
        if code is None:
            return None
        self.kill()
        if time.monotonic() - self.started > QUIET_SECONDS:
            self.n_deaths = 0
        wait = min(FIRST_WAIT_SECONDS * 2**self.n_deaths, LONGEST_WAIT_SECONDS)
        self.n_deaths += 1
        self.is_due = time.monotonic() + wait
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        return f"{self.name} {how}; started again in {wait:g} s. What it said is in {self.log}."

    def stop(self) -> None:
        """End it, kindly at first."""
        if self.process is None:
            return
        _signal_group(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it and everything in its group now."""
        if self.process is None:
            return
        _signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def listens(self) -> bool:
        """Whether it, or a process it started, has its port: another program may answer there."""
        if self.process is None or not self.port:
            return self.process is not None
        with suppress(psutil.Error):
            parent = psutil.Process(self.process.pid)
            return any(
                place.status == psutil.CONN_LISTEN and place.laddr.port == self.port
                for process in (parent, *parent.children(recursive=True))
                for place in process.net_connections("tcp")
            )
        return False


def end_marked(folder: Path, variable: str = MARK) -> int:
    """End processes that a `realmix up` of this home started.

    They are known by their environment, so that a process number used again hits nobody else.

    Parameters
    ----------
    folder : Path
        The home.
    variable : str
        Only those that have it in their environment.

    Returns
    -------
    int
        Processes ended.
    """
    found = [
        process
        for process, environment in marked_processes()
        if environment[MARK] == str(folder) and variable in environment
    ]
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=STOP_SECONDS)
    return len(found)


def marked_processes() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """Living processes that some `realmix up` started, with their environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if MARK in environment and process.status() != psutil.STATUS_ZOMBIE:
                yield process, environment


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)

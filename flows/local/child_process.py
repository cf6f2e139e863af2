"""Processes supervised by `realmix up`: restarted when they die, ended with it."""

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

from realmix.flows.local.tied_process import MARK, PARENT

# The wait before a restart doubles with each death; a minute of running resets it.
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, QUIET_SECONDS = 1.0, 30.0, 60.0
STOP_SECONDS = 5.0
NEVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)


@dataclass
class Child:
    """One process, with the processes it starts in its process group.

    Attributes
    ----------
    name : str
        Name in messages.
    command : tuple of str
        Module and arguments, as after ``python -m``.
    environment : dict
        Complete environment; secrets are passed here, as anybody can read command lines.
    log : Path
        File to which its output is appended.
    port : int
        Port of 127.0.0.1 on which it listens once it is up; 0 for none.
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
        """Start the process in a group of its own; it ends with this process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "realmix.flows.local.tied_process", *self.command],
                # A server imports from the folder it is started in, which must not be the user's.
                cwd=self.log.parent if self.port else None,
                env=self.environment | {PARENT: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started, self.started_at = time.monotonic(), datetime.datetime.now(datetime.UTC)

    def restart_if_dead(self) -> str | None:
        """Restart the process if it died and its wait is over.

        Returns
        -------
        str or None
            One line to print if it died or was restarted.
        """
        if self.process is None:
            if time.monotonic() < self.is_due:
                return None
            self.start()
            return f"{self.name} was restarted."
        code = self.process.poll()
        if code is None:
            return None
        self.kill()
        if time.monotonic() - self.started > QUIET_SECONDS:
            self.n_deaths = 0
        wait = min(FIRST_WAIT_SECONDS * 2**self.n_deaths, LONGEST_WAIT_SECONDS)
        self.n_deaths += 1
        self.is_due = time.monotonic() + wait
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"{self.name} {how}; it will be restarted in {wait:g} s. Its output is in {self.log}."

    def stop(self) -> None:
        """Stop the process by SIGTERM, then kill it and its group."""
        if self.process is None:
            return
        _signal_group(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill the process and its group now."""
        if self.process is None:
            return
        _signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def listens(self) -> bool:
        """Return whether the process or a child of it listens on `port`, which another program may use."""
        if self.process is None or not self.port:
            return self.process is not None
        with suppress(psutil.Error):
            parent = psutil.Process(self.process.pid)
            return any(
                socket.status == psutil.CONN_LISTEN and socket.laddr.port == self.port
                for process in (parent, *parent.children(recursive=True))
                for socket in process.net_connections("tcp")
            )
        return False


def end_marked(folder: Path, variable: str = MARK) -> int:
    """Kill processes that a `realmix up` of this home started.

    They are recognised by their environment, so that a reused process id hits no other program.

    Parameters
    ----------
    folder : Path
        The home.
    variable : str
        Kill only processes that have it in their environment.

    Returns
    -------
    int
        Number of processes killed.
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
    """Yield running processes that any `realmix up` started, with their environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if MARK in environment and process.status() != psutil.STATUS_ZOMBIE:
                yield process, environment


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)

"""The fork server: one process that imports the libraries once and forks the workers of this process.

A fork shares the memory of what was imported before, and takes milliseconds where an import takes seconds.
Forking is safe because the server never has a second thread: libraries are only imported in it, never used.
Where workers may use several threads nothing is imported before the fork: some libraries start theirs at once.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# The parent's import path comes as an argument: the server imports what the parent would.
BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from realmix.tasks.runtime.worker_process import serve_forks; serve_forks(int(sys.argv[2]))"
)
# What nearly every fit needs.
LIBRARIES = (
    "pandas",
    "pyarrow.parquet",
    "scipy.special",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "xgboost",
    "realmix.tasks.fits.final",
    "realmix.tasks.fits.preview",
)
# A thread that Arrow's allocator starts when it is loaded, to give memory back.
NO_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}


class ForkServer:
    """One such process; it ends with this one, however that happens.

    Parameters
    ----------
    n_threads : int
        Threads that numerical libraries may use in each worker, >= 1.
    """

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._lock = threading.Lock()
        # Its other end closes with this process, never before: every worker watches it.
        self._lifeline, self._kept_open = os.pipe()
        self._start()

    def fork(self, pipe: Connection, log: int) -> int:
        """Fork a worker that answers on a pipe, with this process's environment and import path now.

        Parameters
        ----------
        pipe : Connection
            The worker's end.
        log : int
            Descriptor of the file for its output.

        Returns
        -------
        int
            Its process id, also that of its group.
        """
        variables = dict(os.environ) | self._threads()
        with self._lock:
            if self._process.poll() is not None:
                self._restart()
            self._connection.send(("fork", (variables, sys.path, _current_folder())))
            for descriptor in (pipe.fileno(), log):
                send_handle(self._connection, descriptor, self._process.pid)
            return int(self._connection.recv())

    def exit_code(self, pid: int) -> int | None:
        """Return how a worker ended, negative for a signal; None while it runs, or if that is lost."""
        with self._lock:
            try:
                code: int | None = self._ask("exit code", pid)
            except (EOFError, OSError):
                return None
            return code

    def preload(self, modules: Sequence[str]) -> None:
        """Import further modules, for the workers that are forked from now on.

        A library that starts a thread as it is imported is not kept: workers import it themselves.
        """
        with self._lock:
            if self._n_threads > 1:
                return
            self._connection.send(("import", tuple(modules)))
            if self._ask("threads") > 1:
                self._restart()

    def _ask(self, what: str, about: Any = None) -> Any:
        self._connection.send((what, about))
        return self._connection.recv()

    def _threads(self) -> dict[str, str]:
        return {name: str(self._n_threads) for name in THREAD_VARIABLES}

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", BOOTSTRAP, json.dumps(sys.path), str(theirs.fileno())],
            stdin=self._lifeline,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | self._threads() | NO_THREAD,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        if self._n_threads == 1:
            # Not waited for: a study reads its table meanwhile.
            self._connection.send(("import", LIBRARIES))

    def _restart(self) -> None:
        self._connection.close()
        self._process.wait()
        self._start()


def _current_folder() -> str | None:
    """Return the current folder; None if it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


@functools.cache
def fork_server(n_threads: int) -> ForkServer:
    """Return this process's fork server for workers of so many threads, started at the first call."""
    return ForkServer(n_threads)

"""Warm worker processes in which fits run: isolated, bounded in time, threads and memory, never orphaned.

A worker is forked from the fork server (never from the caller, which holds threads) when it is first needed,
into its own process group. Ctrl-C does not reach it; when the caller dies, however that happens, it ends itself.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from realmix.tasks.core.errors import (
    FitTimedOut,
    FitTooLarge,
    StudyInterrupted,
    WorkerDied,
    WorkerError,
)
from realmix.tasks.runtime.fork_server import ForkServer, fork_server
from realmix.tasks.runtime.worker_process import kill_group

# How long a caller waits for an answer before it checks whether the worker is still alive.
HEARTBEAT_SECONDS = 0.2
ENDING_SECONDS = 2.0
POLL_SECONDS = 0.005

T = TypeVar("T")
R = TypeVar("R")
_current: list[Workers] = []


class Workers(Protocol):
    """Processes that run functions by name: on this machine, see :class:`LocalWorkers`, or on a cluster."""

    n_workers: int

    def run(self, function: str, /, *, timeout_seconds: float | None = None, **kwargs: Any) -> Any:
        """Call a function in a free worker and wait for its result."""

    def spread(self, step: Callable[[T], R], jobs: Iterable[T]) -> list[R]:
        """Run a step for each job, as many at once as there are workers."""

    def everywhere(self, function: str, /) -> list[Any]:
        """Call a function once on each machine that has workers."""

    def preload(self, modules: Sequence[str]) -> None:
        """Import modules once, for all fits that start from now on."""

    def kill(self) -> None:
        """End all workers."""


class LocalWorkers:
    """A fixed number of warm processes that run functions by name.

    Parameters
    ----------
    n_workers : int
        Processes, >= 1.
    threads_per_worker : int
        Threads that numerical libraries may use in each, >= 1.
    log_path : Path or None
        File to which the workers' output is appended; None drops it. It never reaches
        the terminal.
    memory_bytes : int or None
        Resident memory that a worker may hold; a fit that needs more is ended, before the system
        has to end whichever process it likes. None sets no limit.

    Examples
    --------
    >>> with LocalWorkers(1) as workers:
    ...     workers.run("textwrap:shorten", text="a  warm   worker", width=20)
    'a warm worker'
    """

    def __init__(
        self,
        n_workers: int,
        *,
        threads_per_worker: int = 1,
        log_path: Path | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        if n_workers < 1 or threads_per_worker < 1:
            raise ValueError(
                f"Got n_workers={n_workers} and threads_per_worker={threads_per_worker}, "
                "expected at least 1 of each."
            )
        self.n_workers = n_workers
        self.threads_per_worker = threads_per_worker
        self.log_path = log_path
        self.memory_bytes = memory_bytes
        self._free: list[_Worker] = []
        self._all: list[_Worker] = []
        self._old: set[_Worker] = set()
        self._changed = threading.Condition()
        self._is_killed = False

    def __enter__(self) -> LocalWorkers:
        _current.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self in _current:
            _current.remove(self)
        self.kill()

    def run(self, function: str, /, *, timeout_seconds: float | None = None, **kwargs: Any) -> Any:
        """Call a function in a free worker and wait for its result; many threads may do so.

        Parameters
        ----------
        function : str
            ``"package.module:name"``.
        timeout_seconds : float or None
            Hard limit, counted from when a worker is free; then its process is killed.
        **kwargs
            Plain values that can be pickled.

        Raises
        ------
        FitTimedOut
            After `timeout_seconds`.
        FitTooLarge
            Within a fifth of a second after it held more than `memory_bytes`.
        WorkerDied
            If the process ended without an answer.
        StudyInterrupted
            If the workers were killed, before or meanwhile.
        RealmixError
            Of the type and with the message that the function raised.
        WorkerError
            For any other exception of the function: only its type is given; the traceback is in the log.
        """
        request = pickle.dumps((function, kwargs))
        worker = self._take_worker()
        try:
            answer = self._answer(worker, request, function, timeout_seconds)
        except BaseException:
            self._drop(worker)
            raise
        self._give_back(worker)
        return self._result(answer, function)

    def spread(self, step: Callable[[T], R], jobs: Iterable[T]) -> list[R]:
        """Run a step for each job in threads, as many at once as there are workers.

        Parameters
        ----------
        step : callable
            Takes one job, and has its fits run by `current_workers()`.
        jobs : iterable

        Returns
        -------
        list
            Results in the order of the jobs.
        """
        with ThreadPoolExecutor(self.n_workers) as threads:
            return list(threads.map(step, jobs))

    def everywhere(self, function: str, /) -> list[Any]:
        """Call a function once on each machine that has workers, which is this one."""
        return [self.run(function)]

    def preload(self, modules: Sequence[str]) -> None:
        """Import modules in the fork server, in a thread: fits go on meanwhile, in workers without them.

        Each of those is replaced after its fit, so that in the end all share the modules' memory.
        """
        if modules:
            threading.Thread(target=self._preload, args=(modules,), daemon=True).start()

    def kill(self) -> None:
        """End all workers at once; waiting and later calls raise `StudyInterrupted`."""
        with self._changed:
            self._is_killed = True
            workers, self._all, self._free = self._all, [], []
            self._changed.notify_all()
        for worker in workers:
            worker.kill()

    def _preload(self, modules: Sequence[str]) -> None:
        # While it imports, the server forks nobody: whoever is missing is forked before.
        with self._changed:
            if self._is_killed:
                return
            while len(self._all) < self.n_workers:
                self._add_worker()
            self._changed.notify_all()
        fork_server(self.threads_per_worker).preload(modules)
        with self._changed:
            self._old |= set(self._all)
            idle, self._free = self._free, []
        for worker in idle:
            self._drop(worker)

    def _take_worker(self) -> _Worker:
        with self._changed:
            self._changed.wait_for(self._has_worker)
            if self._is_killed:
                raise _interrupted()
            if not self._free:
                self._add_worker()
            return self._free.pop()

    def _add_worker(self) -> None:
        """Fork a worker; the caller holds the lock."""
        self._free.append(_Worker(fork_server(self.threads_per_worker), self.log_path))
        self._all.append(self._free[-1])

    def _has_worker(self) -> bool:
        return self._is_killed or bool(self._free) or len(self._all) < self.n_workers

    def _give_back(self, worker: _Worker) -> None:
        with self._changed:
            is_old = worker in self._old
            if not is_old and not self._is_killed:
                self._free.append(worker)
                self._changed.notify()
        if is_old:
            self._drop(worker)

    def _drop(self, worker: _Worker) -> None:
        """End a worker; another one is forked when it is needed."""
        worker.kill()
        with self._changed:
            self._old.discard(worker)
            if worker in self._all:
                self._all.remove(worker)
            self._changed.notify()

    def _answer(
        self, worker: _Worker, request: bytes, function: str, timeout_seconds: float | None
    ) -> tuple[Any, ...]:
        """Send the request, wait for the answer, and name what went wrong in between."""
        limit = math.inf if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + limit
        try:
            worker.connection.send_bytes(request)
            while not worker.connection.poll(min(HEARTBEAT_SECONDS, max(0.0, deadline - time.monotonic()))):
                if time.monotonic() >= deadline:
                    raise FitTimedOut(
                        f"{function} ran longer than its limit of {limit:g} s and was ended. "
                        "Give it fewer rows or steps, or a larger budget."
                    )
                self._refuse_too_large(worker, function)
                if not worker.is_alive() and not worker.connection.poll():
                    raise EOFError
            return pickle.loads(worker.connection.recv_bytes())
        except (EOFError, OSError) as err:
            if self._is_killed:
                raise _interrupted() from err
            raise _died(function, worker.exit_code()) from err

    def _refuse_too_large(self, worker: _Worker, function: str) -> None:
        if self.memory_bytes is None or (n_bytes := worker.resident_bytes()) <= self.memory_bytes:
            return
        raise FitTooLarge(
            f"{function} held {n_bytes / 2**20:,.0f} MiB of memory, a fit may hold "
            f"{self.memory_bytes / 2**20:,.0f} MiB here, and was ended. Give it fewer rows or columns, or a "
            "machine with more memory."
        )

    def _result(self, answer: tuple[Any, ...], function: str) -> Any:
        """Return the value of an answer, or raise its error on this side."""
        if answer[0] == "result":
            return answer[1]
        if answer[0] == "known":
            raise answer[1](answer[2])
        where = f" The traceback is in {self.log_path.name}." if self.log_path else ""
        raise WorkerError(f"{function} raised {answer[1]}.{where}", answer[2])


class _Worker:
    """One process, forked by the fork server, and its pipe."""

    def __init__(self, server: ForkServer, log_path: Path | None) -> None:
        import psutil

        self._server = server
        self.connection, theirs = Pipe()
        log = os.open(log_path or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            self.pid = server.fork(theirs, log)
        finally:
            os.close(log)
            theirs.close()
        self._process = psutil.Process(self.pid)

    def kill(self) -> None:
        """End the process and whatever it started; may be called more than once."""
        if self.is_alive():
            kill_group(self.pid)
        deadline = time.monotonic() + ENDING_SECONDS
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def is_alive(self) -> bool:
        """Whether the process still runs; that it ended may not have been noted yet."""
        import psutil

        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def resident_bytes(self) -> int:
        """Resident memory of the process; 0 where it has ended."""
        import psutil

        try:
            return int(self._process.memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def exit_code(self) -> int:
        """Exit code of a worker that is ending by itself; negative for a signal."""
        deadline = time.monotonic() + ENDING_SECONDS
        while (code := self._server.exit_code(self.pid)) is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if code is None:
            self.kill()
        return -signal.SIGKILL if code is None else code


@contextmanager
def as_current(workers: Workers) -> Iterator[None]:
    """Let `current_workers()` return these workers until the end of the block."""
    _current.append(workers)
    try:
        yield
    finally:
        _current.remove(workers)


def current_workers() -> Workers:
    """Return the workers of the innermost open ``with LocalWorkers(...)``, from any thread.

    Raises
    ------
    RuntimeError
        If none is open.
    """
    if not _current:
        raise RuntimeError("No workers are open here: call inside `with LocalWorkers(...)`.")
    return _current[-1]


def _died(function: str, exit_code: int) -> WorkerDied:
    if exit_code < 0:
        how = f"was ended by signal {-exit_code} ({signal.Signals(-exit_code).name})"
    else:
        how = f"ended with exit code {exit_code}"
    hint = " Often that is the system taking memory back: give it fewer rows." if exit_code == -9 else ""
    return WorkerDied(f"The worker process of {function} {how} before it answered.{hint}")


def _interrupted() -> StudyInterrupted:
    return StudyInterrupted("The study was interrupted; finished results are stored.")

"""The loops of a worker process and of the fork server: answer until the caller's end of the pipe closes."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import pickle
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any, NoReturn

from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime.collector import collect_seldom

# A file system that has less left cannot take another result.
FULL_BYTES = 1 << 16


def ping() -> dict[str, Any]:
    """Return the process id of the worker that runs this, and its planned threads.

    Examples
    --------
    >>> sorted(ping())
    ['pid', 'threads']
    """
    return {"pid": os.getpid(), "threads": int(os.environ.get("OMP_NUM_THREADS", "1"))}


def serve_forks(descriptor: int) -> None:
    """Import libraries and fork workers as the pipe says until it closes: the main loop of the fork server.

    Parameters
    ----------
    descriptor : int
        Inherited file descriptor of the pipe, over which :class:`~realmix.tasks.runtime.fork_server.ForkServer`
        sends what is to be done and what about.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    os.set_inheritable(descriptor, False)
    connection, ended = Connection(descriptor), dict[int, int]()
    while True:
        try:
            what, about = connection.recv()
        except (EOFError, OSError):
            return
        if what == "import":
            _import_all(about)
        elif what == "fork":
            connection.send(_fork(connection, *about))
        elif what == "threads":
            connection.send(_n_threads())
        else:
            connection.send(_exit_code(about, ended))


def _import_all(modules: Sequence[str]) -> None:
    """Import what can be imported: an error is raised, and reported, in the worker that needs the module."""
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)
    # A collection in a worker would write to, and so copy, the memory that all share.
    gc.collect()
    gc.freeze()


def _fork(connection: Connection, variables: Mapping[str, str], path: list[str], folder: str | None) -> int:
    """Fork a worker, whose pipe and log come over the connection; return its process id."""
    pipe, log = recv_handle(connection), recv_handle(connection)
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become_worker(pipe, log, variables, path, folder)
    os.close(pipe)
    os.close(log)
    return pid


def _become_worker(
    pipe: int, log: int, variables: Mapping[str, str], path: list[str], folder: str | None
) -> NoReturn:
    """Give this process a group, output, environment and import path of its own, and serve to the end."""
    try:
        os.setsid()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.clear()
        os.environ.update(variables)
        sys.path[:] = path
        if folder:
            os.chdir(folder)
        serve(pipe)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def _exit_code(pid: int, ended: dict[int, int]) -> int | None:
    """Return how a worker ended, negative for a signal; None while it runs."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = os.waitstatus_to_exitcode(found[1])
    return ended.get(pid)


def _n_threads() -> int:
    import psutil

    return int(psutil.Process().num_threads())


def serve(descriptor: int) -> None:
    """Answer requests from the pipe until it closes: the main loop of a worker process.

    Parameters
    ----------
    descriptor : int
        Inherited file descriptor of the pipe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(descriptor, False)
    _end_with_parent()
    connection = Connection(descriptor)
    while True:
        try:
            request = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(_answer(request))


def _end_with_parent() -> None:
    """Kill this process group as soon as the parent's end of stdin closes, busy or not."""
    lifeline = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)

    def watch() -> None:
        os.read(lifeline, 1)
        kill_group(os.getpid())

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _answer(request: bytes) -> bytes:
    """Run one request and pickle ``("result", value)`` or a description of the error."""
    kwargs: dict[str, Any] = {}
    try:
        address, kwargs = pickle.loads(request)
        module, _, name = address.partition(":")
        function = getattr(importlib.import_module(module), name)
        return pickle.dumps(("result", function(**kwargs)))
    except RealmixError as err:
        if err.__cause__ is not None:
            # The reason that a study shows must not quote cells; how it came about stands in the workers' log.
            _log(traceback.format_exc())
        return pickle.dumps(("known", type(err), str(err)))
    except BaseException as err:  # even SystemExit is only this fit's failure
        trace = traceback.format_exc()
        _log(trace)
        if isinstance(err, OSError) and is_full_disk(err, kwargs.get("folder", ".")):
            from realmix.tasks.runtime.snapshots import explain_os_error

            why = explain_os_error(OSError(errno.ENOSPC, ""), Path(kwargs.get("folder", ".")))
            return pickle.dumps(("known", type(why), str(why)))
        # Only the type: a message of a library may quote cells, which must not leave the log.
        return pickle.dumps(("unforeseen", type(err).__name__, trace))


def is_full_disk(err: OSError, folder: str) -> bool:
    """Return whether an error of the operating system says, or shows, that the disk of a folder is full.

    numpy reports a short write without the system's error number.

    Examples
    --------
    >>> is_full_disk(OSError(errno.ENOSPC, "No space left on device"), ".")
    True
    >>> is_full_disk(PermissionError(errno.EACCES, "Permission denied"), ".")
    False
    """
    if err.errno is not None:
        return err.errno == errno.ENOSPC
    return is_full(folder)


def is_full(folder: str | Path) -> bool:
    """Return whether the disk of a folder takes no further file."""
    return shutil.disk_usage(folder).free < FULL_BYTES


def _log(trace: str) -> None:
    """Write to the workers' log; that the disk is full must not take the place of the answer."""
    with suppress(OSError):
        print(trace, file=sys.stderr, flush=True)


def kill_group(leader: int) -> None:
    """Kill a process group, given the id of its leader; do nothing where it is gone."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return

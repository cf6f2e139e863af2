"""The loop of a worker process: answer requests until the caller's end of the pipe closes."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from realmix.tasks.core.errors import RealmixError


def ping() -> dict[str, Any]:
    """Return the process id of the worker that runs this, and its planned threads.

    Examples
    --------
    >>> sorted(ping())
    ['pid', 'threads']
    """
    return {"pid": os.getpid(), "threads": int(os.environ.get("OMP_NUM_THREADS", "1"))}


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
    try:
        address, kwargs = pickle.loads(request)
        module, _, name = address.partition(":")
        function = getattr(importlib.import_module(module), name)
        return pickle.dumps(("result", function(**kwargs)))
    except RealmixError as err:
        if err.__cause__ is not None:
            # The reason that a study shows must not quote cells; how it came about stands in the workers' log.
            traceback.print_exc()
        return pickle.dumps(("known", type(err), str(err)))
    except BaseException as err:  # even SystemExit is only this fit's failure
        trace = traceback.format_exc()
        print(trace, file=sys.stderr, flush=True)
        # Only the type: a message of a library may quote cells, which must not leave the log.
        return pickle.dumps(("unforeseen", type(err).__name__, trace))


def kill_group(leader: int) -> None:
    """Kill a process group, given the id of its leader; do nothing where it is gone."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return

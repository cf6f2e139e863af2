"""The loop of a worker process: answer requests until the caller's end of the pipe closes."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from realmix.tasks.core.errors import (
    RealmixError,
)


def ping() -> dict[str, Any]:
    """Answer from a worker: its process id and its planned threads.

    Examples
    --------
    >>> sorted(ping())
    ['pid', 'threads']
    """
    return {"pid": os.getpid(), "threads": int(os.environ.get("OMP_NUM_THREADS", "1"))}


def serve(descriptor: int) -> None:
    """Answer requests from the pipe until it closes; what a worker process does.

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
        connection.send_bytes(_outcome(request))


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


def _outcome(request: bytes) -> bytes:
    """Run one request; pickled ``("result", value)`` or a description of the error."""
    try:
        function, kwargs = pickle.loads(request)
        return pickle.dumps(("result", _resolve(function)(**kwargs)))
    except RealmixError as err:
        return pickle.dumps(("known", type(err), str(err)))
    except BaseException as err:  # even SystemExit is only this fit's failure
        trace = traceback.format_exc()
        print(trace, file=sys.stderr, flush=True)
        # Only the type: a foreign message may quote cells, and goes no further than the log.
        return pickle.dumps(("unforeseen", type(err).__name__, trace))


def _resolve(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return

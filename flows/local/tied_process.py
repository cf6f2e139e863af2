"""Run a module in a process that ends, with its whole process group, when the process that started it ends.

``python -P -m realmix.flows.local.tied_process MODULE ARGUMENTS`` does what ``python -m MODULE ARGUMENTS``
does. Even a parent that is killed by SIGKILL leaves no process behind. Linux only: elsewhere the next
`realmix up` kills the processes that are left.
"""

from __future__ import annotations

import ctypes
import logging
import os
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType

from realmix.tasks.runtime.collector import collect_seldom

# Variable in the environment of every process of `realmix up`: the home it belongs to.
MARK = "REALMIX_UP"
# Variable in the environment of a run's processes: its id.
RUN = "PREFECT__FLOW_RUN_ID"
# Variable in the environment of a bound process: the process id of its parent.
PARENT = "REALMIX_PARENT"
# Folder of the home with an empty file for each run that was started from there.
RUNS = "runs"
# Of <sys/prctl.h>: the signal this process gets when its parent ends.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Bind this process to its parent, then run the module that the arguments name."""
    bind_to_parent()
    note_run()
    collect_seldom()
    # Prefect attaches the messages of our logger to the run, from the level that is set here.
    logging.getLogger("realmix").setLevel(logging.INFO)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def bind_to_parent() -> None:
    """End this process group when the parent ends, or has ended while Python was starting.

    Uses a signal that no server handles, so that our handler stays in place. The whole group is ended
    because MLflow's server starts a process of its own.
    """
    parent = int(os.environ.pop(PARENT, os.getppid()))
    signal.signal(signal.SIGHUP, _end_group)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
    if os.getppid() != parent:
        _end_group(signal.SIGHUP, None)


def note_run() -> None:
    """Write the id of this process's run into the home, so that a later process knows where it was started."""
    if MARK in os.environ and RUN in os.environ:
        folder = Path(os.environ[MARK]) / RUNS
        folder.mkdir(parents=True, exist_ok=True)
        (folder / os.environ[RUN]).touch()


def _end_group(signum: int, frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

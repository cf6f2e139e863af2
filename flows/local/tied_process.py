"""Run a module in a process that ends, with its whole process group, when the process that started it ends.

``python -P -m realmix.flows.local.tied_process MODULE ARGUMENTS`` does what ``python -m MODULE ARGUMENTS`` does. Also a parent
that is killed hard leaves nobody behind. Linux only: elsewhere the next `realmix up` clears away what is left.
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

# In the environment of every process of `realmix up`: the home it belongs to.
MARK = "REALMIX_UP"
# In the environment of a run's processes: its id.
RUN = "PREFECT__FLOW_RUN_ID"
# Folder of the home with an empty file for each run that was started from there.
RUNS = "runs"
# Of <sys/prctl.h>: the signal this process gets when its parent ends.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Bind this process to its parent, then become the module that the arguments name."""
    bind_to_parent()
    note_run()
    # Prefect sends what our logger says along with a run, from the level that is set here.
    logging.getLogger("realmix").setLevel(logging.INFO)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def bind_to_parent() -> None:
    """Let the end of the parent be the end of this process group.

    The signal is one that no server handles, so that its handler stays; MLflow's server has a process of
    its own in the group.
    """
    parent = os.getppid()
    signal.signal(signal.SIGHUP, _end_group)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
    if os.getppid() != parent:
        _end_group(signal.SIGHUP, None)


def note_run() -> None:
    """Leave the id of the run this process works on, so that a later process knows whose it was."""
    if MARK in os.environ and RUN in os.environ:
        folder = Path(os.environ[MARK]) / RUNS
        folder.mkdir(parents=True, exist_ok=True)
        (folder / os.environ[RUN]).touch()


def _end_group(signum: int, frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

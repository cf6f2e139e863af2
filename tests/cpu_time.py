"""How long something takes by itself: the same on a busy machine, and late in a long run of tests."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def cpu_seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds that a call takes in this thread.

    Threads that other tests left, and the collection of what these hold, are not counted; nor is work that the call
    gives to threads of its own.
    """
    gc.disable()
    try:
        started = time.thread_time()
        call()
        return time.thread_time() - started
    finally:
        gc.enable()

"""How long something takes by itself: the same on a busy machine, and late in a long run of tests."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def cpu_seconds(call: Callable[[], object], *, n_tries: int = 2) -> float:
    """Return the least CPU seconds of this thread in some tries.

    Threads that other tests left, and the collection of what these hold, are not counted.
    """
    seconds = []
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(n_tries):
            started = time.thread_time()
            call()
            seconds.append(time.thread_time() - started)
    finally:
        if was_enabled:
            gc.enable()
    return min(seconds)

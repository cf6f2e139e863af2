"""Measure the memory of this machine, and refuse a table that does not fit."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.memory_estimate import GIB, MAIN_BYTES, READ_BYTES_PER_CELL, WORKER_BYTES

# A study shares its machine with others; tables of a million rows and 20 columns fit.
MAX_STUDY_BYTES = 6 * GIB
# What is free now may not be free in five minutes.
USABLE_SHARE = 0.8
# Of a machine's memory, for what workers take before they fit anything.
WORKERS_SHARE = 0.5
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def usable_bytes() -> int:
    """Return the memory that a study may plan with here: never more than `MAX_STUDY_BYTES`."""
    return int(min(MAX_STUDY_BYTES, USABLE_SHARE * _free_bytes()))


def most_workers() -> int:
    """Return how many workers this machine's memory holds, however many cores it has; at least one.

    All of its memory counts, not only what is free: the same machine gives the same plan.
    """
    import psutil

    whole = _within_container(psutil.virtual_memory().total)
    return max(int(WORKERS_SHARE * whole / WORKER_BYTES), 1)


def n_workers() -> int:
    """Return one worker process per core this process may use, at most as many as memory allows."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(n_cores, most_workers())


def worker_limit(n_workers: int) -> int:
    """Return the bytes beyond which a worker's fit is ended, to protect the machine whatever was planned.

    Only the two final fits are large at the same time, so each may take half of what is free.

    Examples
    --------
    >>> worker_limit(1) > worker_limit(8)
    True
    """
    return int(USABLE_SHARE * _free_bytes() / min(n_workers, 2))


def return_freed() -> None:
    """Give memory that was freed back to the system, where allocators keep it (Arrow's, and glibc's: ``malloc_trim(3)``)."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)


@contextmanager
def within_memory(where: str) -> Iterator[None]:
    """Keep this process within the memory that a study may use while it reads what may unpack to any size.

    Parameters
    ----------
    where : str
        What is read, for the message.

    Raises
    ------
    BadInput
    """
    import psutil

    most, before = usable_bytes(), resource.getrlimit(resource.RLIMIT_DATA)
    held = getattr(psutil.Process().memory_info(), "data", 0)  # Linux alone keeps the limit
    ends = [end for end in (held + most, *before) if end != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(ends), before[1]))
    try:
        yield
    except MemoryError as err:
        raise BadInput(
            f"{where} takes more than {most / GIB:.1f} GiB of memory to read, the most that a study may use here. "
            "Give a sample of the rows, or fewer columns."
        ) from err
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _free_bytes() -> int:
    import psutil

    return _within_container(psutil.virtual_memory().available)


def _within_container(n_bytes: int) -> int:
    limits = [n_bytes, *map(_cgroup_limit, CGROUP_LIMITS)]
    return min(n for n in limits if n is not None)


def _cgroup_limit(path: str) -> int | None:
    """Return the limit of the container this process runs in, if there is one."""
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def check_table_fits(n_rows: int, n_columns: int, where: str) -> None:
    """Refuse a table that cannot be held, before it is read.

    Raises
    ------
    BadInput
    """
    needed, usable = MAIN_BYTES + READ_BYTES_PER_CELL * n_rows * n_columns, usable_bytes()
    if needed > usable:
        raise BadInput(
            f"{where} has {n_rows:,} rows and {n_columns} columns, which take about {needed / GIB:.1f} GiB of "
            f"memory; a study may use {usable / GIB:.1f} GiB here. Give it a sample of the rows, or fewer columns."
        )

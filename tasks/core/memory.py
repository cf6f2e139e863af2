"""The memory budget: what a study of a table takes, said before anything is computed.

A study reads the whole table in one process, and fits what ships on all of its rows in two workers,
side by side. Everything else works on the development sample, which the plan bounds: workers beyond
two take what their libraries take, and there are no more of them than a machine holds easily.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.core.errors import BadInput
from tasks.core.plans import Plan, TableShape
from tasks.core.plugins import ModelSpec

GIB = 2**30
# A study shares its machine with others; tables of a million rows and 20 columns fit.
MAX_STUDY_BYTES = 6 * GIB
# What is free now may not be free in five minutes.
USABLE_SHARE = 0.8
# Of a machine's memory, for what workers take before they fit anything.
WORKERS_SHARE = 0.5
# Measured with 10,000 to 1,000,000 rows of 20 mixed columns (`tests/benchmarks/large.py`).
MAIN_BYTES = 450 * 2**20
WORKER_BYTES = 450 * 2**20
# The table as pandas holds it, its canonical form, and a copy of either in passing.
READ_BYTES_PER_CELL = 70
# Real and synthetic rows of a final fit: canonical, typed as in the file, and as they are written.
FINAL_BYTES_PER_CELL = 45
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def usable_bytes() -> int:
    """Memory that a study may plan with here: never more than `MAX_STUDY_BYTES`."""
    return int(min(MAX_STUDY_BYTES, USABLE_SHARE * _free_bytes()))


def most_workers() -> int:
    """Workers that this machine's memory holds, however many cores it has; at least one.

    Of all its memory, not of what is free: the same machine gives the same plan.
    """
    import psutil

    whole = _within_container(psutil.virtual_memory().total)
    return max(int(WORKERS_SHARE * whole / WORKER_BYTES), 1)


def worker_limit(n_workers: int) -> int:
    """Memory beyond which a worker's fit is ended, whatever was planned: the machine goes on.

    Only the two final fits are large at the same time, so each may take half of what is free.

    Examples
    --------
    >>> worker_limit(1) > worker_limit(8)
    True
    """
    return int(USABLE_SHARE * _free_bytes() / min(n_workers, 2))


def _free_bytes() -> int:
    import psutil

    return _within_container(psutil.virtual_memory().available)


def _within_container(n_bytes: int) -> int:
    limits = [n_bytes, *map(_cgroup_limit, CGROUP_LIMITS)]
    return min(n for n in limits if n is not None)


def _cgroup_limit(path: str) -> int | None:
    """Limit of the container this process runs in, if there is one."""
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


def study_bytes(plan: Plan, shape: TableShape, models: Mapping[str, ModelSpec]) -> int:
    """Most memory that the main process and the two workers of the final fits hold together.

    Parameters
    ----------
    plan : Plan
    shape : TableShape
    models : mapping of name to ModelSpec

    Returns
    -------
    int
        Bytes.
    """
    n_cells = shape.n_all * shape.n_columns
    base = MAIN_BYTES + min(plan.n_workers, 2) * WORKER_BYTES + READ_BYTES_PER_CELL * n_cells
    # The evaluated fit has four fifths of the rows of the shipped one.
    side_by_side = 1.8 if plan.n_workers > 1 else 1.0
    return round(base + side_by_side * final_bytes(plan, shape, models))


def check_study_fits(plan: Plan, shape: TableShape, models: Mapping[str, ModelSpec], usable: float) -> int:
    """Refuse a study that would not fit into `usable` bytes; what it takes.

    Raises
    ------
    BadInput
    """
    needed = study_bytes(plan, shape, models)
    if needed > usable:
        raise BadInput(
            f"A study of {shape.n_all:,} rows and {shape.n_columns} features with "
            f"{', '.join(plan.models)} takes about {needed / GIB:.1f} GiB of memory at the least; it may use "
            f"{usable / GIB:.1f} GiB here. Give it a sample of the rows, fewer columns or other --models."
        )
    return needed


def final_bytes(plan: Plan, shape: TableShape, models: Mapping[str, ModelSpec]) -> float:
    """Memory of the dearest final fit on all rows, in its worker."""
    n_rows = shape.n_all + plan.n_synthetic(shape.n_all)
    learners = [models[name].fit_bytes(n_rows, shape.n_columns, shape.n_levels) for name in plan.models]
    n_teacher = plan.n_teacher(shape.n_all)
    teacher = [models[name].fit_bytes(n_teacher, shape.n_columns, shape.n_levels) for name, _ in plan.teacher]
    return FINAL_BYTES_PER_CELL * n_rows * shape.n_columns + max(*learners, *teacher)

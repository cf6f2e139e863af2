"""Estimate the memory that a study of a table takes, before anything is computed.

A study reads the whole table in one process, and fits what ships on all of its rows in two workers,
side by side. Everything else works on the development sample, which the plan bounds: workers beyond
two hold little but their libraries, and there are no more of them than a machine holds easily.
"""

from __future__ import annotations

from collections.abc import Mapping

from realmix.tasks.core.contracts.specs import ModelSpec, TeacherSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import Plan, TableShape

GIB = 2**30
# Measured with 10,000 to 1,000,000 rows of 20 mixed columns (`tests/benchmarks/large.py`).
MAIN_BYTES = 450 * 2**20
WORKER_BYTES = 450 * 2**20
# The table as pandas holds it, its canonical form, and a temporary copy of either.
READ_BYTES_PER_CELL = 70
# Real and synthetic rows of a final fit: canonical, typed as in the file, and as they are written.
FINAL_BYTES_PER_CELL = 45


def study_bytes(plan: Plan, shape: TableShape, models: Mapping[str, ModelSpec | TeacherSpec]) -> int:
    """Estimate the most memory that the main process and the two workers of the final fits hold together.

    Parameters
    ----------
    plan : Plan
    shape : TableShape
    models : mapping of name to ModelSpec or TeacherSpec

    Returns
    -------
    int
        Bytes.
    """
    n_cells = shape.n_all * shape.n_columns
    base = MAIN_BYTES + min(plan.n_workers, 2) * WORKER_BYTES + READ_BYTES_PER_CELL * n_cells
    n_rows, n_teacher = shape.n_all + plan.n_synthetic(shape.n_all), plan.n_teacher(shape.n_all)
    learners = [models[name].fit_bytes(n_rows, shape.n_columns, shape.n_levels) for name in plan.models]
    teacher = [models[name].fit_bytes(n_teacher, shape.n_columns, shape.n_levels) for name, _ in plan.teacher]
    final_fit = FINAL_BYTES_PER_CELL * n_rows * shape.n_columns + max(*learners, *teacher)
    # The evaluated fit has four fifths of the rows of the shipped one.
    side_by_side = 1.8 if plan.n_workers > 1 else 1.0
    return round(base + side_by_side * final_fit)


def check_study_fits(
    plan: Plan, shape: TableShape, models: Mapping[str, ModelSpec | TeacherSpec], usable: float
) -> int:
    """Return the bytes that a study takes, or refuse one that takes more than `usable`.

    Raises
    ------
    BadInput
    """
    needed = study_bytes(plan, shape, models)
    if needed > usable:
        raise BadInput(
            f"A study of {shape.n_all:,} rows and {shape.n_columns} features with "
            f"{', '.join(plan.models)} takes about {needed / GIB:.1f} GiB of memory at least; it may use "
            f"{usable / GIB:.1f} GiB here. Use a sample of the rows, fewer columns or other --models."
        )
    return needed

"""Which tables a teacher takes that the user names."""

from __future__ import annotations

from collections.abc import Mapping

from realmix.tasks.core.contracts.specs import TeacherSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import Asked, TableShape


def check_teachers(teachers: Mapping[str, TeacherSpec], shape: TableShape, asked: Asked) -> None:
    """Refuse a teacher that the user named for a table that it was not made for.

    Parameters
    ----------
    teachers : mapping of name to TeacherSpec
    shape : TableShape
    asked : Asked

    Raises
    ------
    BadInput
        If it does not support the task, or the table has more rows, features or classes than it takes.
    """
    for name in asked.teachers:
        spec = teachers[name]
        found = (
            (shape.n_all, spec.max_rows, "rows"),
            (shape.n_columns, spec.max_columns, "features"),
            (shape.n_classes, spec.max_classes, "classes"),
        )
        reasons = [
            f"the table has {n:,} {what}, and it takes at most {most:,}"
            for n, most, what in found
            if most and n > most
        ]
        if shape.task not in spec.tasks:
            reasons.append(f"it does not support {shape.task}")
        if reasons:
            raise BadInput(
                f"The teacher '{name}' cannot be used: {'; '.join(reasons)}. Leave it out of --teachers."
            )

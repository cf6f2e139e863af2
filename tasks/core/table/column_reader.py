"""Find what the text of one column means, by all of its cells together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from realmix.tasks.core.table.column_text import ColumnText
from realmix.tasks.core.table.read_dates import read_compact_dates, read_dates, read_iso_dates
from realmix.tasks.core.table.read_labels import read_codes, read_truths
from realmix.tasks.core.table.read_numbers import read_clock, read_numbers
from realmix.tasks.core.table.reading_report import ColumnReading

# From the narrowest to the widest; each gives the values, why they must not be used, or nothing.
WAYS: tuple[Callable[[ColumnText], tuple[Any, ColumnReading] | str | None], ...] = (
    read_truths,
    read_compact_dates,
    read_codes,
    read_numbers,
    read_clock,
    read_iso_dates,
    read_dates,
)


def read_column(column: ColumnText) -> tuple[Any, ColumnReading]:
    """Return the values of a column, and how they were read.

    Parameters
    ----------
    column : ColumnText

    Returns
    -------
    values : ndarray of shape (n_rows,)
        Text where no narrower way reads the column.
    reading : ColumnReading
        With the first problem that a way met, if the column stays text for it.
    """
    if not column.cells.texts:
        nothing = np.zeros(0, dtype=bool)
        values = np.full(len(column.cells.codes), np.nan)
        return values, column.reading("empty", nothing, nothing, {"type": "text"})
    problem = None
    for way in WAYS if column.begins_measured() else ():
        found = way(column)
        if isinstance(found, tuple):
            return found
        problem = problem or found
    values, reading = column.as_text()
    return values, replace(reading, problem=problem or column.unfit())

"""Find what the text of each column means, by all of its cells together, and read it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Reading
from realmix.tasks.core.table.column_cells import distinct_cells
from realmix.tasks.core.table.column_reader import read_column
from realmix.tasks.core.table.column_text import ColumnText
from realmix.tasks.core.table.formatted_columns import read_formatted
from realmix.tasks.core.table.plain_columns import read_plain_numbers
from realmix.tasks.core.table.reading_report import ColumnReading, ReadingReport
from realmix.tasks.core.table.text_table import TextTable

PLAIN_NUMBERS = Reading(type="number")
# Kinds of which each text is a label.
LABELS = ("categorical", "identifier", "text")


def read_columns(
    table: TextTable | pd.DataFrame, card: DataCard | None = None
) -> tuple[pd.DataFrame, ReadingReport]:
    """Read the text of a table as numbers, dates, truth values and levels.

    Parameters
    ----------
    table : TextTable or DataFrame of shape (n_rows, n_columns)
        Of a frame only the columns of text are read; the others have their types already.
    card : DataCard, optional
        What it declares of a column wins over what the cells say. Without it no labels are folded.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
        Whole numbers as int64 (float64 where cells are missing), other numbers as float64, dates as ISO
        text, truth values as bool, everything else as text.
    report : ReadingReport
        How each column was read. Its problems are not raised: see :meth:`ReadingReport.check`.

    Examples
    --------
    >>> frame = pd.DataFrame({"price": ["$1,200", "$80", "-"], "on": ["31/01/2024", "01/02/2024", None], "zip": ["02139", "10001", "10002"]})
    >>> read_columns(frame)[0].to_dict("list")
    {'price': [1200.0, 80.0, nan], 'on': ['2024-01-31', '2024-02-01', nan], 'zip': ['02139', '10001', '10002']}
    """
    columns, lines, notes = _columns_of(table)
    mark = functools.cache(lambda: _decimal_mark(columns))
    read = {name: _with_infinite(*_read(name, cells, lines, card, mark)) for name, cells in columns.items()}
    # Arrow keeps what it no longer uses; the frame needs it.
    pa.default_memory_pool().release_unused()
    frame = pd.DataFrame({name: values for name, (values, _) in read.items()})
    return frame, ReadingReport(tuple(column for _, column in read.values()), tuple(notes))


def _columns_of(
    table: TextTable | pd.DataFrame,
) -> tuple[dict[str, pa.ChunkedArray | pd.Series], np.ndarray, Sequence[str]]:
    if isinstance(table, TextTable):
        return dict(zip(table.cells.column_names, table.cells.columns, strict=True)), table.lines, table.notes
    columns: dict[str, Any] = {}
    for name, values in table.items():
        is_text = values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) == "string"
        is_text = is_text or isinstance(values.dtype, pd.StringDtype)
        columns[str(name)] = (
            pa.chunked_array([pa.array(values, pa.string(), from_pandas=True)]) if is_text else values
        )
    return columns, np.arange(1, len(table) + 1), ()


def _read(
    name: str, cells: Any, lines: np.ndarray, card: DataCard | None, mark: Callable[[], str | None]
) -> tuple[Any, ColumnReading]:
    if isinstance(cells, pd.Series):
        return cells.array, ColumnReading(name, "typed", len(cells), n_blank=int(cells.isna().sum()))
    declared = card.reading.get(name, Reading()) if card else Reading()
    kind = _declared_kind(name, card)
    is_exact = card is not None and name in (card.key, card.group)
    # The fast ways merge labels that are one number, 1.1 and 1.10, and set words such as None missing.
    keeps_labels = (is_exact or kind in LABELS) and declared.type is None
    if declared in (Reading(), PLAIN_NUMBERS):
        plain = read_plain_numbers(name, cells)
        if plain and not (keeps_labels and (plain[1].found != "integers" or plain[1].markers)):
            return plain
    if not keeps_labels and (formatted := read_formatted(name, cells, declared, kind, mark)) is not None:
        return formatted
    column = distinct_cells(name, cells, lines)
    return read_column(ColumnText(column, declared, kind, card, mark))


def _with_infinite(values: Any, reading: ColumnReading) -> tuple[Any, ColumnReading]:
    """Note infinite cells, which no study takes: whoever writes a card learns it there."""
    n = int(np.isinf(values).sum()) if isinstance(values, np.ndarray) and values.dtype.kind == "f" else 0
    if not n:
        return values, reading
    note = f"{n:,} of {reading.n_cells:,} cells are infinite, which a study refuses"
    return values, dataclasses.replace(reading, notes=(*reading.notes, note))


def _declared_kind(name: str, card: DataCard | None) -> str | None:
    if card is None:
        return None
    if name == card.target:
        return {"regression": "numeric", "multiclass": "categorical"}.get(card.task or "")
    return card.columns.get(name)


def _decimal_mark(columns: Mapping[str, Any]) -> str | None:
    """Return the decimal comma if more cells of the file must have it than must have a point; else None."""
    texts = [cells for cells in columns.values() if not isinstance(cells, pd.Series)]
    votes = {
        mark: sum(
            pc.sum(pc.match_substring_regex(cells, _DECIMALS.format(mark))).as_py() or 0 for cells in texts
        )
        for mark in (",", "[.]")
    }
    return "," if votes[","] > votes["[.]"] else None


# One or two digits behind the last mark: no group of thousands.
_DECIMALS = r"^\s*[-+(]?\D{{0,4}}\d[\d., ]*{}\d{{1,2}}\D{{0,6}}$"

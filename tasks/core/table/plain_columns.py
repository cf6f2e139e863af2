"""Read columns of plain numbers at once, which most columns of most tables are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from realmix.tasks.core.table.markers import SIGNS
from realmix.tasks.core.table.numbers_as_written import (
    MAX_EXACT,
)
from realmix.tasks.core.table.reading_report import ColumnReading

# Eight digits are a date if all cells are days of these years.
COMPACT_YEARS = (19000101, 21001231)
# Also of hexadecimal numbers, which Arrow reads.
LEADING_ZERO = r"^[-+]?0[\dxX]"
UNSIGNED_POWER = r"^\d+[eE]\d+$"


def read_plain_numbers(name: str, cells: pa.ChunkedArray) -> tuple[np.ndarray, ColumnReading] | None:
    """Read a column of plain numbers at once; None where anything in it asks for a closer look."""
    if not _casts(pc.utf8_trim_whitespace(cells.slice(0, 100)).filter(pc.is_valid(cells.slice(0, 100)))):
        return None
    trimmed = pc.utf8_trim_whitespace(cells)
    present = pc.if_else(pc.is_in(trimmed, value_set=_PLAIN_MARKERS), None, trimmed)
    n_present = len(present) - present.null_count
    if not n_present or pc.any(pc.match_substring_regex(present, LEADING_ZERO)).as_py():
        return None
    try:
        numbers = pc.cast(present, pa.int64())
    except pa.ArrowInvalid:
        return _plain_floats(name, cells, trimmed, present)
    extremes = pc.min_max(numbers).as_py()
    if max(abs(extremes["min"]), abs(extremes["max"])) > MAX_EXACT:
        return None
    if COMPACT_YEARS[0] <= extremes["min"] and extremes["max"] <= COMPACT_YEARS[1]:
        return None
    values = numbers.to_numpy() if not numbers.null_count else pc.cast(numbers, pa.float64()).to_numpy()
    return values, _plain_reading(name, "integers", cells, trimmed, n_present)


def _plain_floats(
    name: str, cells: pa.ChunkedArray, trimmed: pa.ChunkedArray, present: pa.ChunkedArray
) -> tuple[np.ndarray, ColumnReading] | None:
    try:
        numbers = pc.cast(present, pa.float64())
    except pa.ArrowInvalid:
        return None
    if pc.any(pc.match_substring_regex(present, UNSIGNED_POWER)).as_py():
        return None
    if pc.max(pc.abs(numbers)).as_py() > MAX_EXACT and not pc.any(pc.match_substring(present, ".")).as_py():
        return None
    return numbers.to_numpy(), _plain_reading(
        name, "decimal numbers", cells, trimmed, len(present) - present.null_count
    )


def _casts(head: pa.ChunkedArray) -> bool:
    """Check cheaply whether the first cells are plain numbers; it decides nothing but the way to look."""
    try:
        pc.cast(head.filter(pc.invert(pc.is_in(head, value_set=_PLAIN_MARKERS))), pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


_PLAIN_MARKERS = pa.array(
    ["", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "-NaN", "NULL", "null", "None", "none", *sorted(SIGNS)]
)


def _plain_reading(
    name: str, found: str, cells: pa.ChunkedArray, trimmed: pa.ChunkedArray, n_present: int
) -> ColumnReading:
    marked = pc.value_counts(trimmed.filter(pc.is_in(trimmed, value_set=_PLAIN_MARKERS)))
    markers = {each["values"]: each["counts"] for each in marked.to_pylist() if each["values"]}
    n_blank = len(cells) - n_present - sum(markers.values())
    return ColumnReading(name, found, len(cells), n_present, n_blank, markers, form={"type": "number"})

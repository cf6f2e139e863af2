"""Read a column of text as numbers, or as times of day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from realmix.tasks.core.table.column_text import MAX_CODES, MAX_WORDS, ColumnText
from realmix.tasks.core.table.markers import is_marker, is_word
from realmix.tasks.core.table.numbers_as_written import (
    MAX_EXACT,
    PLAIN,
    NumberForm,
    clock_seconds,
    find_number_form,
    number_values,
)
from realmix.tasks.core.table.read_labels import why_codes
from realmix.tasks.core.table.reading_report import ColumnReading
from realmix.tasks.core.table.units import is_unit

# Other units above this share: a column that mixes them.
MAX_MIXED = 0.01


def read_numbers(column: ColumnText) -> tuple[Any, ColumnReading] | str | None:
    """Read numbers in the one format that most cells of the column have.

    Returns
    -------
    tuple of (ndarray, ColumnReading), str or None
        Whole numbers as int64 where no cell is missing, else float64. A sentence if the column is mostly
        numbers and must not be used as it is; None if it is none of numbers.
    """
    if not column.may_be("number", "datetime"):
        return None
    counts = column.cells.counted(~column.is_marker)
    has_comma = any("," in text for text in counts)
    form = find_number_form(counts, column.declared.decimal or (column.mark() if has_comma else None))
    if form is None or (not form.n_read and column.declared.type is None):
        return None
    if column.is_exact and column.declared.type == "number" and (why := why_codes(list(counts))):
        return _inexact(column, why)
    return _read_as(column, form, _spec(column, form, counts))


def read_clock(column: ColumnText) -> tuple[Any, ColumnReading] | None:
    """Read times of day as seconds after midnight; None if it is none of them."""
    if not column.may_be("clock", "categorical", "datetime"):
        return None
    seconds = clock_seconds(column.cells.texts)
    is_read = ~np.isnan(seconds) & ~column.is_declared
    if not is_read.any() or not column.is_few(column.rest(is_read), len(set(seconds[is_read]))):
        return None
    values = column.cells.spread(np.where(is_read, seconds, np.nan), np.nan)
    missing = ~is_read & column.is_marker
    return values, column.reading(
        "times of day, as seconds after midnight", is_read, missing, {"type": "clock"}
    )


def _spec(column: ColumnText, form: NumberForm, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the format as a model's spec holds it."""
    declared = column.declared
    unit = form.unit if declared.unit is None else declared.unit
    if unit and declared.unit is None and form.n_with_unit < form.n_read / 2:
        unit = ""
    spec = {"type": "number", "decimal": declared.decimal or form.decimal, "unit": unit}
    is_plain = (spec["decimal"], unit) == (".", "") and all(map(PLAIN.fullmatch, counts))
    return {"type": "number"} if is_plain else spec


def _read_as(
    column: ColumnText, form: NumberForm, spec: dict[str, Any]
) -> tuple[Any, ColumnReading] | str | None:
    cells = column.cells
    values = number_values(cells.texts, spec)
    is_read = ~np.isnan(values) & ~column.is_declared
    is_label = column.kind == "categorical" or column.keeps_labels
    if is_label and not all(map(PLAIN.fullmatch, cells.chosen(is_read))):
        return None
    n_distinct, is_bad = len(np.unique(values[is_read])), column.rest(is_read)
    if column.keeps_labels and _loses_labels(column, is_read, n_distinct):
        return None
    if n_distinct > MAX_CODES and (mixed := _mixed_units(column, form, spec.get("unit", ""))):
        return mixed
    is_open = column.kind != "numeric" and column.declared.type is None
    if n_distinct <= 2 and is_open and _has_level(column, ~is_read):
        return None
    if form.other_units and spec.get("unit") and not is_unit(spec["unit"]):
        return None  # names, perhaps
    if not column.is_few(is_bad, n_distinct):
        return column.too_many(is_bad, "numbers", n_distinct)
    is_whole = _is_whole(column, values, is_read, form.decimal)
    spread = cells.spread(np.where(is_read, values, np.nan), np.nan)
    if is_whole and not np.isnan(spread).any() and np.abs(spread).max() <= MAX_EXACT:
        spread = spread.astype(np.int64)
    return spread, column.reading(number_in_words(spec, is_whole), is_read, ~is_read & column.is_marker, spec)


def _inexact(column: ColumnText, why: str) -> str:
    return (
        f"The keys in '{column.name}' must be compared exactly, but were read as numbers where the table was "
        f"registered, and here {why}. Write them as there, or register the table again with the column as text."
    )


def _loses_labels(column: ColumnText, is_read: np.ndarray, n_distinct: int) -> bool:
    """Check whether two labels would become one number, or a label a missing cell."""
    has_other = bool((~is_read & ~column.is_sign).any())
    # Two numbers are a flag, beside which NA is missing as it is without a card.
    is_flag = n_distinct <= 2 and not column.is_target
    return (has_other and not is_flag) or len(set(column.cells.chosen(is_read))) > n_distinct


def _has_level(column: ColumnText, is_other: np.ndarray) -> bool:
    """Check whether a text beside one or two numbers may be a level of its own."""
    others = column.cells.chosen(is_other & ~column.is_declared)
    return any(not is_marker(text) or is_word(text) for text in others)


def _is_whole(column: ColumnText, values: np.ndarray, is_read: np.ndarray, decimal: str) -> bool:
    has_mark = any(decimal in text for text in column.cells.chosen(is_read))
    numbers = values[is_read]
    return not has_mark and bool(np.isfinite(numbers).all()) and bool((numbers % 1 == 0).all())


def _mixed_units(column: ColumnText, form: NumberForm, unit: str) -> str | None:
    n_other = sum(form.other_units.values())
    if n_other <= MAX_MIXED * (form.n_read + n_other) or not unit or column.declared.unit is not None:
        return None
    units = [unit, *form.other_units]
    # Many different endings are codes (12A, 13B, 7F), not units.
    if len(units) > MAX_WORDS or not all(map(is_unit, units)):
        return None
    is_sensitive = column.card is not None and column.name in column.card.sensitive
    mixed = f"{len(units)} units" if is_sensitive else f"the units {', '.join(units)}"
    return (
        f"The column '{column.name}' mixes {mixed}: their numbers cannot be compared. "
        "Convert them to one unit, or declare the column categorical."
    )


def number_in_words(form: Mapping[str, Any], is_whole: bool) -> str:
    """Say in which form numbers are written; a word beside them that is no unit is not quoted.

    Examples
    --------
    >>> number_in_words({"decimal": ",", "unit": "€"}, False), number_in_words({"unit": "Smith"}, True)
    ('decimal numbers with a decimal comma in €', 'integers with a word beside them')
    """
    unit = form.get("unit", "")
    beside = (f" in {unit}" if is_unit(unit) else " with a word beside them") if unit else ""
    mark = " with a decimal comma" if form.get("decimal") == "," else ""
    return f"{'integers' if is_whole else 'decimal numbers'}{mark}{beside}"

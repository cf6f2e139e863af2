"""Read a column of text as dates, by the order of day and month that its cells decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.column_text import MAX_CODES, ColumnText
from realmix.tasks.core.table.dates_as_written import (
    ISO,
    date_values,
    find_date_order,
    iso_texts,
    seconds_since_1970,
)
from realmix.tasks.core.table.markers import ZERO_DATES
from realmix.tasks.core.table.plain_columns import COMPACT_YEARS
from realmix.tasks.core.table.reading_report import ColumnReading

# Both orders of day and month above this share: a column that mixes them.
MAX_MIXED = 0.01
# Dates are measured: words beside them are mistakes, however few dates there are.
MANY = MAX_CODES + 1
IN_WORDS = {
    "": "dates",
    "ymd": "dates, as digits",
    "dmy": "dates, day before month",
    "mdy": "dates, month before day",
}


def read_compact_dates(column: ColumnText) -> tuple[Any, ColumnReading] | str | None:
    """Read days written as eight digits, with or without a time; None if it is none of them."""
    texts = column.cells.chosen(~column.is_marker)
    if not column.may_be("date", "numeric", "categorical") or not texts:
        return None
    if not all(text.isdecimal() and len(text) in (8, 12, 14) for text in texts):
        return None
    if not all(COMPACT_YEARS[0] <= int(text[:8]) <= COMPACT_YEARS[1] for text in texts):
        return None
    return _read_as(column, "ymd") if len(texts) > 1 or column.kind == "datetime" else None


def read_iso_dates(column: ColumnText) -> tuple[Any, ColumnReading] | None:
    """Keep ISO dates as they are written; None if other forms of date stand beside them."""
    if not column.may_be("date", "categorical", "numeric"):
        return None
    texts = column.cells.texts
    is_iso = np.array([ISO.fullmatch(text) is not None for text in texts], dtype=bool)
    if not is_iso.any():
        return None
    parsed = seconds_since_1970(pd.Series(texts, dtype=object)).to_numpy()
    is_read = is_iso & ~column.is_declared & ~np.isnan(parsed)
    is_zero = _is_zero(column)
    if not is_read.any() or not _is_all_iso(column, column.rest(is_read) & ~is_zero):
        return None
    values = np.where(is_read, np.array(texts, dtype=object), np.nan)
    return column.cells.spread(values, np.nan), _reading(column, is_read, is_zero, "")


def read_dates(column: ColumnText) -> tuple[Any, ColumnReading] | str | None:
    """Read dates in any common form.

    Returns
    -------
    tuple of (ndarray, ColumnReading), str or None
        ISO text. A sentence if a person must say in which order day and month stand; None if it is none of dates.
    """
    if not column.may_be("date", "categorical", "numeric"):
        return None
    counts = column.cells.counted(~column.is_marker & ~_is_zero(column))
    order, n_read, only = find_date_order(counts)
    n_all = sum(counts.values())
    if not n_read or n_read < n_all / 2:
        return None
    if column.declared.order is None and (problem := _unclear_order(column.name, order, only, n_all)):
        return problem
    return _read_as(column, column.declared.order or order)


def _is_zero(column: ColumnText) -> np.ndarray:
    return np.array([text in ZERO_DATES for text in column.cells.texts], dtype=bool)


def _is_all_iso(column: ColumnText, is_other: np.ndarray) -> bool:
    """Check that no other form of date stands beside the ISO ones."""
    others = column.cells.chosen(is_other)
    is_known = ~np.isnan(date_values(others, {"order": "dmy"}))
    is_known |= ~np.isnan(date_values(others, {"order": "mdy"}))
    return not is_known.any() and column.is_few(is_other, MANY)


def _unclear_order(name: str, order: str, only: Mapping[str, int], n_all: int) -> str | None:
    declare = f"Declare it as `reading: {{{name}: {{order: dmy}}}}` or `mdy` in the card"
    if not order:
        return (
            f"The dates of '{name}' can be read as day/month/year and as month/day/year: no cell decides it. "
            f"{declare}."
        )
    if min(only.values()) > MAX_MIXED * n_all:
        return (
            f"The column '{name}' mixes dates as day/month/year ({only['dmy']:,} cells that are nothing else) and as "
            f"month/day/year ({only['mdy']:,}). Rewrite them in one order. {declare} if the others are mistakes."
        )
    return None


def _read_as(column: ColumnText, order: str) -> tuple[Any, ColumnReading] | str | None:
    seconds, is_zero = date_values(column.cells.texts, {"order": order}), _is_zero(column)
    is_read = ~np.isnan(seconds) & ~column.is_declared
    is_bad = column.rest(is_read) & ~is_zero
    if not column.is_few(is_bad, MANY):
        return column.too_many(is_bad, "dates", MANY)
    texts = iso_texts(np.where(is_read, seconds, np.nan))
    values = np.where(is_read, texts, np.nan)
    return column.cells.spread(values, np.nan), _reading(column, is_read, is_zero, order)


def _reading(column: ColumnText, is_read: np.ndarray, is_zero: np.ndarray, order: str) -> ColumnReading:
    form = {"type": "date", "order": order} if order else {"type": "date"}
    missing = ~is_read & (column.is_marker | is_zero)
    return column.reading(IN_WORDS[order], is_read, missing, form)

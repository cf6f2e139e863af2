"""Read columns at once whose cells all write numbers, or days with a time, in one common form."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from realmix.tasks.core.table.card_parts import Reading
from realmix.tasks.core.table.column_cells import Cells, distinct_cells
from realmix.tasks.core.table.dates_as_written import date_values, find_date_order, iso_texts
from realmix.tasks.core.table.markers import is_marker
from realmix.tasks.core.table.numbers_as_written import MAX_EXACT, parse_number
from realmix.tasks.core.table.read_dates import IN_WORDS
from realmix.tasks.core.table.read_numbers import number_in_words
from realmix.tasks.core.table.reading_report import ColumnReading

# What stands beside the digits of every cell, and the cells with it. Longer numbers may be codes.
BESIDE = re.compile(r"-?([^\W\d_]{0,3}[^\w\s.,'()+-]?\s?)\d(?:.*\d)?(\s?[^\d\s.,'()+-]{0,12})")
NUMBER = (
    r"^-?{before}(?:[1-9]\d{{0,2}}(?:[{group}]\d{{3}}){{1,5}}|\d{{1,15}})(?:[{decimal}]\d{{1,15}})?{after}$"
)
# A mark before groups of other than three digits is no mark of thousands.
DECISIVE = r"[{}](?:\d{{1,2}}|\d{{4,}})(?:\D|$)"
MOMENT = r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4} \d{1,2}:\d{2}(?::\d{2})?$"
OTHER_MARK = {".": ",", ",": "."}
# Cells of one form, where they stand, and the other ones.
Fitting = tuple[pa.ChunkedArray, np.ndarray, Cells]
Found = tuple[np.ndarray, ColumnReading] | None
Mark = Callable[[], str | None]


def read_formatted(
    name: str, cells: pa.ChunkedArray, declared: Reading, kind: str | None, mark: Mark
) -> Found:
    """Read a column at once, as `read_column` does; None where anything in it asks for a closer look.

    Parameters
    ----------
    name : str
    cells : ChunkedArray of string, shape (n_rows,)
    declared, kind, mark
        As of :class:`~realmix.tasks.core.table.column_text.ColumnText`.

    Examples
    --------
    >>> cells = pa.chunked_array([["1.228,02 €", "-3,50 €", "n/a", "12 €"]])
    >>> values, reading = read_formatted("x", cells, Reading(), None, lambda: None)
    >>> values.tolist(), reading.found, reading.markers
    ([1228.02, -3.5, nan, 12.0], 'decimal numbers with a decimal comma in €', {'n/a': 1})
    """
    head = pc.utf8_trim_whitespace(cells.slice(0, 100)).to_pylist()
    first = next((text for text in head if text and not is_marker(text)), None)
    if first is None or declared.missing:
        return None
    if re.search(MOMENT, first) and kind in (None, "datetime") and declared.type in (None, "date"):
        return _moments(name, cells, declared)
    beside = BESIDE.fullmatch(first)
    if beside is None or kind not in (None, "numeric") or declared.type not in (None, "number"):
        return None
    return _numbers(name, cells, declared, beside, mark)


def _fitting(name: str, cells: pa.ChunkedArray, pattern: str) -> Fitting | None:
    """Return the cells that fit, where they stand, and the others; None if these are not all missing."""
    trimmed = pc.utf8_trim_whitespace(cells)
    fits = pc.fill_null(pc.match_substring_regex(trimmed, pattern), False)
    is_fit = fits.to_numpy()
    if is_fit.sum() < len(is_fit) / 2:
        return None
    others = distinct_cells(name, trimmed.filter(pc.invert(fits)), np.flatnonzero(~is_fit))
    return (trimmed.filter(fits), is_fit, others) if others.is_marker.all() else None


def _numbers(
    name: str, cells: pa.ChunkedArray, declared: Reading, beside: re.Match[str], mark: Mark
) -> Found:
    before, after = beside.groups()
    unit = before.strip() or after.strip()
    for decimal, group in OTHER_MARK.items():
        number = parse_number(beside[0], decimal)
        if number is None or number.unit != unit or number.has_magnitude or declared.unit not in (None, unit):
            continue
        texts = {"before": re.escape(before), "after": re.escape(after)}
        fitting = _fitting(name, cells, NUMBER.format(**texts, decimal=decimal, group=group))
        if fitting is not None and _is_decided(fitting[0], declared, decimal, mark):
            spec = {"type": "number", "decimal": decimal, "unit": unit}
            return _as_numbers(fitting, spec, (before, after, group))
    return None


def _any(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _is_decided(texts: pa.ChunkedArray, declared: Reading, decimal: str, mark: Mark) -> bool:
    """Check that the declared mark, the cells or the other columns decide this decimal mark."""
    if declared.decimal is not None:
        return declared.decimal == decimal
    return _any(texts, DECISIVE.format(decimal)) or decimal == ((mark() if _any(texts, ",") else None) or ".")


def _as_numbers(fitting: Fitting, spec: dict[str, str], parts: tuple[str, str, str]) -> Found:
    texts, is_fit, others = fitting
    digits = functools.reduce(
        lambda left, part: pc.replace_substring(left, part, ""), filter(None, parts), texts
    )
    read = pc.cast(pc.replace_substring(digits, spec["decimal"], "."), pa.float64()).to_numpy()
    is_plain = (spec["decimal"], spec["unit"]) == (".", "") and not _any(texts, ",")
    # One or two numbers may stand beside a word that is a level of its own.
    if is_plain or len(np.unique(read)) <= 2:
        return None
    is_whole = bool((read % 1 == 0).all()) and not _any(texts, re.escape(spec["decimal"]))
    values = np.full(len(is_fit), np.nan)
    values[is_fit] = read
    if is_whole and is_fit.all() and np.abs(read).max() <= MAX_EXACT:
        values = values.astype(np.int64)
    return values, _reading(number_in_words(spec, is_whole), is_fit, others, spec)


def _moments(name: str, cells: pa.ChunkedArray, declared: Reading) -> Found:
    """Read days with a time: both have few distinct texts, whose product has many."""
    fitting = _fitting(name, cells, MOMENT)
    if fitting is None:
        return None
    texts, is_fit, others = fitting
    parts = pc.split_pattern(texts.combine_chunks(), " ")
    days, times = (pc.list_element(parts, i).dictionary_encode() for i in range(2))
    written = days.dictionary.to_pylist()
    order = declared.order or find_date_order(dict.fromkeys(written, 1))[0]
    midnights = date_values(written, {"order": order}) if order else np.array([np.nan])
    seconds = date_values([f"1/1/1970 {time}" for time in times.dictionary.to_pylist()], {"order": "dmy"})
    if np.isnan(midnights).any() or np.isnan(seconds).any():
        return None
    clock = [text.removeprefix("1970-01-01") for text in iso_texts(seconds)]
    iso = [pa.array(list(iso_texts(midnights))).take(days.indices), pa.array(clock).take(times.indices)]
    values = np.full(len(is_fit), np.nan, dtype=object)
    values[is_fit] = pc.binary_join_element_wise(*iso, "").to_pandas().to_numpy()
    return values, _reading(IN_WORDS[order], is_fit, others, {"type": "date", "order": order})


def _reading(found: str, is_fit: np.ndarray, others: Cells, form: dict[str, Any]) -> ColumnReading:
    markers = others.counted(others.is_marker)
    n_blank = int((others.codes < 0).sum())
    return ColumnReading(others.name, found, len(is_fit), int(is_fit.sum()), n_blank, markers, form=form)

"""Find what the text of one column means, by all of its cells together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from realmix.tasks.core.table.card import DataCard, Reading
from realmix.tasks.core.table.columns import TRUTHS
from realmix.tasks.core.table.dates_as_written import (
    ISO,
    date_values,
    find_date_order,
    iso_texts,
    seconds_since_1970,
)
from realmix.tasks.core.table.fold_labels import fold_labels
from realmix.tasks.core.table.markers import SIGNS, ZERO_DATES, is_marker, is_word
from realmix.tasks.core.table.numbers_as_written import (
    CURRENCY,
    MAX_EXACT,
    MINUS,
    clock_seconds,
    find_number_form,
    number_values,
    parse_number,
)
from realmix.tasks.core.table.plain_columns import COMPACT_YEARS, UNSIGNED_POWER
from realmix.tasks.core.table.reading_report import ColumnReading

# A column of numbers or dates may hold at most this share of cells that are neither; they become missing.
MAX_UNREADABLE = 0.1
# Among few distinct numbers another word is rather a level: codes such as 1, 2, 3 and A.
MAX_UNREADABLE_AMONG_CODES = 0.01
MAX_CODES = 20
# More such words than this are codes or names, not a marker.
MAX_WORDS = 5
# Both orders of day and month above this share: a column that mixes them.
MAX_MIXED = 0.01
CODE = re.compile(r"[^\W\d_]{1,4}[-\s.]?\d+\w*|\d+[-/\s]?[^\W\d_]+\w*")
BEGINNING = re.compile(
    rf"[{MINUS}(+]?\s*(?:{CURRENCY})?\s*[{MINUS}]?\s*[.,]?\d|[^\W\d_]{{3,10}}[-\s.,/]|(?i:true|false)$"
)
TEXT_KINDS = ("identifier", "text")


@dataclass(frozen=True)
class Cells:
    """Distinct present texts of a column, in the order in which they first appear.

    Attributes
    ----------
    name : str
    texts : list of str
        Without blanks at their ends.
    written : list of str
        The same cells with the blanks behind them.
    codes : ndarray of int, shape (n_rows,)
        Place of each row's text; -1 for blank cells.
    counts : ndarray of int, shape (n_texts,)
    lines : ndarray of int, shape (n_rows,)
    """

    name: str
    texts: list[str]
    written: list[str]
    codes: np.ndarray
    counts: np.ndarray
    lines: np.ndarray

    def count(self, is_chosen: Sequence[bool] | np.ndarray) -> int:
        """Count the cells of the chosen texts."""
        return int(self.counts[np.asarray(is_chosen, dtype=bool)].sum())

    def first_line(self, is_chosen: np.ndarray) -> int | None:
        """Return the line of the first cell of the chosen texts; None if there is none."""
        place = np.flatnonzero(np.append(is_chosen, False)[self.codes])
        return int(self.lines[place[0]]) if len(place) else None

    def spread(self, values: np.ndarray, missing: Any) -> np.ndarray:
        """Return a value for each row from one for each text; `missing` for blank cells."""
        return np.append(values, np.array([missing], dtype=values.dtype))[self.codes]


def distinct_cells(name: str, cells: pa.ChunkedArray, lines: np.ndarray) -> Cells:
    """Collect the distinct present texts of a column.

    Parameters
    ----------
    name : str
    cells : ChunkedArray of string, shape (n_rows,)
    lines : ndarray of int, shape (n_rows,)
        Line of each row in its file.
    """
    encoded = pc.utf8_ltrim_whitespace(cells).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    written = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    is_blank = np.array([not text.strip() for text in written] + [True])
    places = np.where(is_blank, -1, np.cumsum(~is_blank) - 1)
    kept = [text for text in written if text.strip()]
    codes = places[codes]
    counts = np.bincount(codes[codes >= 0], minlength=len(kept))
    return Cells(name, [text.strip() for text in kept], kept, codes, counts, lines)


class ColumnReader:
    """Ways to read one column of text, tried from the narrowest to the widest."""

    def __init__(
        self,
        cells: Cells,
        declared: Reading,
        kind: str | None,
        card: DataCard | None,
        mark: Callable[[], str | None],
    ) -> None:
        self.cells, self.declared, self.kind, self.card = cells, declared, kind, card
        self.mark = mark
        self.is_exact = card is not None and cells.name in (card.key, card.group)
        given = {text.strip() for text in declared.missing}
        self.is_declared = np.array([text in given for text in cells.texts], dtype=bool)
        self.is_sign = np.array([text in SIGNS for text in cells.texts], dtype=bool) | self.is_declared
        self.is_marker = np.array([len(text) < 20 and is_marker(text) for text in cells.texts], dtype=bool)
        self.is_marker |= self.is_declared
        self.n_blank = int((cells.codes < 0).sum())

    def read(self) -> tuple[Any, ColumnReading]:
        """Return the values of the column, and how they were read."""
        if not len(self.cells.texts):
            return np.full(len(self.cells.codes), np.nan), self._reading("empty", 0, {}, {"type": "text"})
        ways: tuple[Callable[[], tuple[Any, ColumnReading] | None], ...] = (
            self._truths, self._compact_dates, self._codes, self._numbers, self._clock, self._iso, self._dates
        )  # fmt: skip
        problem = None
        for way in ways if self._is_measured() else ():
            if (found := way()) is None:
                continue
            if found[1].problem is None:
                return found
            problem = problem or found[1].problem
        values, reading = self._text()
        return values, replace(reading, problem=problem or self._unfit())

    def _is_measured(self) -> bool:
        """Check whether half of the cells begin as numbers, dates or truth values do: most text does not."""
        if self.kind in TEXT_KINDS:
            return False
        begins = np.array([BEGINNING.match(text) is not None for text in self.cells.texts], dtype=bool)
        n_begin = self.cells.count(begins & ~self.is_marker)
        return self.kind is not None or n_begin >= self.cells.count(~self.is_marker) / 2

    def _unfit(self) -> str | None:
        """Return why a declared kind does not fit the cells."""
        kinds = {"numeric": "numbers", "datetime": "dates"}
        if self.kind not in kinds or self.declared.type == "text":
            return None
        n, name = int(self.cells.counts.sum()), self.cells.name
        return (
            f"The column '{name}' is declared {self.kind}, but its {n:,} cells are not {kinds[self.kind]} of one "
            f"format. Declare their format under `reading`, correct them, or declare the column categorical."
        )

    def _reading(
        self, found: str, n_read: int, markers: Any, form: dict[str, Any], **more: Any
    ) -> ColumnReading:
        cells = self.cells
        is_used = np.zeros(len(cells.texts), dtype=bool) if isinstance(markers, dict) else markers
        counted = {cells.texts[i]: int(cells.counts[i]) for i in np.flatnonzero(is_used)}
        form = {**form, **({"missing": list(self.declared.missing)} if self.declared.missing else {})}
        return ColumnReading(
            cells.name, found, len(cells.codes), n_read, self.n_blank, counted, form=form, **more
        )

    def _rest(self, is_read: np.ndarray) -> np.ndarray:
        return ~is_read & ~self.is_marker

    def _is_few(self, is_bad: np.ndarray, n_distinct: int) -> bool:
        """Check whether the cells that cannot be read are too few to make the column text."""
        n_bad, n_all = self.cells.count(is_bad), self.cells.count(~self.is_marker)
        if not n_bad:
            return True
        if self.declared.type is not None:
            return True
        limit = MAX_UNREADABLE if n_distinct > MAX_CODES else MAX_UNREADABLE_AMONG_CODES
        codes = [CODE.fullmatch(self.cells.texts[i]) is not None for i in np.flatnonzero(is_bad)]
        has_codes = sum(codes) > 1 and n_bad > 0.002 * n_all
        return n_bad <= limit * n_all and not (has_codes and self.kind is None)

    def _problem(self, is_bad: np.ndarray, what: str, n_distinct: int) -> str | None:
        """Return why a column that is mostly numbers or dates cannot be read as such, if a person must say."""
        n_bad, n_all = self.cells.count(is_bad), self.cells.count(~self.is_marker)
        is_wanted = self.kind in ("numeric", "datetime")
        if not is_wanted and (n_distinct <= MAX_CODES or n_bad > n_all / 2 or int(is_bad.sum()) > MAX_WORDS):
            return None
        return (
            f"{n_bad:,} of {n_all + self.cells.count(self.is_marker):,} cells of '{self.cells.name}' are no {what} "
            f"(the first on line {self.cells.first_line(is_bad):,}); expected at most {MAX_UNREADABLE:.0%}. Correct "
            f"them, list the words that mean a missing cell under `reading: {{{self.cells.name}: {{missing: [...]}}}}` "
            "in the card, or declare the column categorical."
        )

    def _truths(self) -> tuple[Any, ColumnReading] | None:
        if self.declared.type not in (None, "truth") or self.kind in ("numeric", "datetime"):
            return None
        truths = np.array([TRUTHS.get(text) for text in self.cells.texts], dtype=object)
        is_read = np.array([truth is not None for truth in truths], dtype=bool)
        if not is_read.any() or (self._rest(is_read)).any() or any(map(is_word, self._texts(~is_read))):
            return None
        is_missing = self.n_blank or not is_read.all()
        values = self.cells.spread(np.where(is_read, truths, np.nan), np.nan)
        return (values if is_missing else values.astype(bool)), self._reading(
            "true or false", self.cells.count(is_read), ~is_read, {"type": "truth"}
        )

    def _counts(self, is_chosen: np.ndarray) -> dict[str, int]:
        """Count the cells of each chosen text; two that differ by blanks are one."""
        counts: dict[str, int] = {}
        for i in np.flatnonzero(is_chosen):
            text = self.cells.texts[i]
            counts[text] = counts.get(text, 0) + int(self.cells.counts[i])
        return counts

    def _texts(self, is_chosen: np.ndarray) -> list[str]:
        return [self.cells.texts[i] for i in np.flatnonzero(is_chosen)]

    def _compact_dates(self) -> tuple[Any, ColumnReading] | None:
        texts = self._texts(~self.is_marker)
        if self.declared.type not in (None, "date") or self.kind in ("numeric", "categorical") or not texts:
            return None
        if not all(text.isdecimal() and len(text) in (8, 12, 14) for text in texts):
            return None
        if not all(COMPACT_YEARS[0] <= int(text[:8]) <= COMPACT_YEARS[1] for text in texts):
            return None
        return self._as_dates("ymd") if len(texts) > 1 or self.kind == "datetime" else None

    def _codes(self) -> tuple[Any, ColumnReading] | None:
        """Keep codes that only look like numbers as text: 02139, 1E5, and whole numbers beyond 2^53."""
        texts = self._texts(~self.is_marker)
        if self.kind == "numeric" or self.declared.type not in (None, "text") or not texts:
            return None
        why = _why_codes(texts)
        if why is None:
            return None
        values, reading = self._text()
        return values, replace(reading, found="codes", notes=(*reading.notes, why))

    def _numbers(self) -> tuple[Any, ColumnReading] | None:  # noqa: C901  one decision after the other
        cells = self.cells
        if self.declared.type not in (None, "number") or self.kind == "datetime":
            return None
        counts = self._counts(~self.is_marker)
        has_comma = any("," in text for text in counts)
        form = find_number_form(counts, self.declared.decimal or (self.mark() if has_comma else None))
        if form is None or (not form.n_read and self.declared.type is None):
            return None
        if self.is_exact and self.declared.type == "number" and (why := _why_codes(list(counts))):
            return self._text()[0], self._reading("text", 0, {}, {"type": "text"}, problem=self._inexact(why))
        unit = form.unit if self.declared.unit is None else self.declared.unit
        with_unit = (
            sum(n for text, n in counts.items() if _unit_of(text, form.decimal) == unit) if unit else 0
        )
        if unit and with_unit < form.n_read / 2 and self.declared.unit is None:
            unit = ""
        spec = {"type": "number", "decimal": self.declared.decimal or form.decimal, "unit": unit}
        if (spec["decimal"], unit) == (".", "") and all(map(_is_plain, counts)):
            spec = {"type": "number"}
        values = number_values(cells.texts, spec)
        is_read = ~np.isnan(values) & ~self.is_declared
        is_formatted = not all(_is_plain(text) for text in self._texts(is_read))
        if self.kind == "categorical" and is_formatted:
            return None
        n_distinct = len(set(values[is_read]))
        is_bad = self._rest(is_read)
        if n_distinct > MAX_CODES and (mixed := self._mixed_units(form, unit)):
            return self._text()[0], self._reading("text", 0, {}, {"type": "text"}, problem=mixed)
        if (
            n_distinct <= 2
            and self.kind != "numeric"
            and self.declared.type is None
            and self._has_level(is_bad | ~is_read & self.is_marker)
        ):
            return None
        if not self._is_few(is_bad, n_distinct):
            problem = self._problem(is_bad, "numbers", n_distinct)
            if problem is None:
                return None
            return self._text()[0], self._reading("text", 0, {}, {"type": "text"}, problem=problem)
        found = _number_words(spec, is_whole := self._is_whole(values, is_read, form.decimal))
        spread = cells.spread(np.where(is_read, values, np.nan), np.nan)
        if is_whole and not np.isnan(spread).any() and np.abs(spread).max() <= MAX_EXACT:
            spread = spread.astype(np.int64)
        return spread, self._reading(
            found,
            cells.count(is_read),
            ~is_read & self.is_marker,
            spec,
            n_unreadable=cells.count(is_bad),
            first_line=cells.first_line(is_bad),
        )

    def _inexact(self, why: str) -> str:
        return (
            f"The keys in '{self.cells.name}' must be compared exactly, but were read as numbers where the table was "
            f"registered, and here {why}. Write them as there, or register the table again with the column as text."
        )

    def _has_level(self, is_other: np.ndarray) -> bool:
        return any(not is_marker(text) or is_word(text) for text in self._texts(is_other & ~self.is_declared))

    def _is_whole(self, values: np.ndarray, is_read: np.ndarray, decimal: str) -> bool:
        has_mark = any(decimal in text for text in self._texts(is_read))
        return not has_mark and bool((values[is_read] % 1 == 0).all())

    def _mixed_units(self, form: Any, unit: str) -> str | None:
        n_other = sum(form.other_units.values())
        if n_other <= MAX_MIXED * (form.n_read + n_other) or not unit or self.declared.unit is not None:
            return None
        units = [unit, *form.other_units]
        # Many different endings are codes (12A, 13B, 7F), not units.
        if len(units) > MAX_WORDS or not all(_is_unit(each) for each in units):
            return None
        return (
            f"The column '{self.cells.name}' mixes the units {', '.join(units)}: their numbers cannot be compared. "
            "Convert them to one unit, or declare the column categorical."
        )

    def _clock(self) -> tuple[Any, ColumnReading] | None:
        if self.declared.type not in (None, "clock") or self.kind in ("categorical", "datetime"):
            return None
        seconds = clock_seconds(self.cells.texts)
        is_read = ~np.isnan(seconds) & ~self.is_declared
        is_bad = self._rest(is_read)
        if not is_read.any() or not self._is_few(is_bad, len(set(seconds[is_read]))):
            return None
        values = self.cells.spread(np.where(is_read, seconds, np.nan), np.nan)
        reading = self._reading(
            "times of day, as seconds after midnight",
            self.cells.count(is_read),
            ~is_read & self.is_marker,
            {"type": "clock"},
            n_unreadable=self.cells.count(is_bad),
            first_line=self.cells.first_line(is_bad),
        )
        return values, reading

    def _iso(self) -> tuple[Any, ColumnReading] | None:
        """Keep ISO dates as they are written; what is none becomes missing."""
        if self.declared.type not in (None, "date") or self.kind in ("categorical", "numeric"):
            return None
        is_iso = np.array([ISO.fullmatch(text) is not None for text in self.cells.texts], dtype=bool)
        if not is_iso.any():
            return None
        is_read = is_iso & ~self.is_declared
        parsed = seconds_since_1970(pd.Series(self.cells.texts, dtype=object)).to_numpy()
        is_read &= ~np.isnan(parsed)
        is_zero = np.array([text in ZERO_DATES for text in self.cells.texts], dtype=bool)
        if not is_read.any() or (
            (self._rest(is_read) & ~is_zero).any() and not self._all_iso(is_read, is_zero)
        ):
            return None
        texts = np.where(is_read, np.array(self.cells.texts, dtype=object), np.nan)
        return self.cells.spread(texts, np.nan), self._date_reading(is_read, is_zero, "")

    def _all_iso(self, is_read: np.ndarray, is_zero: np.ndarray) -> bool:
        """Check that no other form of date stands beside the ISO ones."""
        others = self._texts(self._rest(is_read) & ~is_zero)
        known = ~np.isnan(date_values(others, {"order": "dmy"})) | ~np.isnan(
            date_values(others, {"order": "mdy"})
        )
        return not known.any() and self._is_few(self._rest(is_read) & ~is_zero, MAX_CODES + 1)

    def _date_reading(self, is_read: np.ndarray, is_zero: np.ndarray, order: str) -> ColumnReading:
        is_bad = self._rest(is_read) & ~is_zero
        words = {
            "": "dates",
            "ymd": "dates, as digits",
            "dmy": "dates, day before month",
            "mdy": "dates, month before day",
        }
        return self._reading(
            words[order],
            self.cells.count(is_read),
            ~is_read & (self.is_marker | is_zero),
            {"type": "date", "order": order} if order else {"type": "date"},
            n_unreadable=self.cells.count(is_bad),
            first_line=self.cells.first_line(is_bad),
        )

    def _dates(self) -> tuple[Any, ColumnReading] | None:
        if self.declared.type not in (None, "date") or self.kind in ("categorical", "numeric"):
            return None
        is_zero = np.array([text in ZERO_DATES for text in self.cells.texts], dtype=bool)
        counts = self._counts(~self.is_marker & ~is_zero)
        order, n_read, only = find_date_order(counts)
        n_all = sum(counts.values())
        if not n_read or n_read < n_all / 2:
            return None
        if self.declared.order is None and (problem := self._unclear_order(order, only, n_all)):
            return self._text()[0], self._reading("text", 0, {}, {"type": "text"}, problem=problem)
        return self._as_dates(self.declared.order or order)

    def _unclear_order(self, order: str, only: Mapping[str, int], n_all: int) -> str | None:
        name = self.cells.name
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

    def _as_dates(self, order: str) -> tuple[Any, ColumnReading] | None:
        seconds = date_values(self.cells.texts, {"order": order})
        is_zero = np.array([text in ZERO_DATES for text in self.cells.texts], dtype=bool)
        is_read = ~np.isnan(seconds) & ~self.is_declared
        if not self._is_few(self._rest(is_read) & ~is_zero, MAX_CODES + 1):
            is_bad = self._rest(is_read) & ~is_zero
            problem = self._problem(is_bad, "dates", MAX_CODES + 1)
            if problem is None:
                return None
            return self._text()[0], self._reading("text", 0, {}, {"type": "text"}, problem=problem)
        texts = iso_texts(np.where(is_read, seconds, np.nan))
        texts = np.where(is_read, texts, np.nan)
        return self.cells.spread(texts, np.nan), self._date_reading(is_read, is_zero, order)

    def _text(self) -> tuple[Any, ColumnReading]:
        cells, is_target = self.cells, self.card is not None and self.cells.name == self.card.target
        keeps = self.kind in TEXT_KINDS or self.card is None or cells.name in (self.card.key, self.card.group)
        may_fold = not (keeps or is_target) and self.declared.fold
        may_fold = may_fold and len(cells.texts) <= int(cells.counts.sum()) / 2
        folded, n_folded = fold_labels(cells.written, cells.counts, merge=may_fold)
        texts = np.where(self.is_sign, np.nan, np.array(folded, dtype=object))
        form = {"type": "text", "fold": may_fold}
        values = cells.spread(texts, np.nan)
        is_read = ~self.is_sign
        return values, self._reading("text", cells.count(is_read), self.is_sign, form, n_folded=n_folded)


def _is_plain(text: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text) is not None


def _unit_of(text: str, decimal: str) -> str | None:
    number = parse_number(text, decimal)
    return number.unit if number is not None else None


def _is_unit(text: str) -> bool:
    return len(text) > 1 or not text.isalpha() or text in "mgshlLWVCFKtdcyw"


def _why_codes(texts: list[str]) -> str | None:
    """Return why these texts are codes though they look like numbers; None if they do not."""
    if all(text.isdecimal() for text in texts) and any(len(t) > 1 and t[0] == "0" for t in texts):
        return "numbers with leading zeros are read as codes"
    if all(text.isalnum() and text.isascii() for text in texts) and any(
        re.fullmatch(UNSIGNED_POWER, t) for t in texts
    ):
        return "texts such as 1E5 are read as codes"
    whole = [text for text in texts if text.lstrip("+-").isdecimal()]
    if len(whole) > 0.9 * len(texts) and any(len(t) > 15 and abs(int(t)) > MAX_EXACT for t in whole):
        return "whole numbers beyond 2^53 are read as codes, exactly"
    return None


def _number_words(form: Mapping[str, Any], is_whole: bool) -> str:
    unit = f" in {form['unit']}" if form.get("unit") else ""
    mark = " with a decimal comma" if form.get("decimal") == "," else ""
    return f"{'integers' if is_whole else 'decimal numbers'}{mark}{unit}"

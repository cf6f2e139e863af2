"""The distinct texts of one column, and what its cells have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from realmix.tasks.core.table.markers import ABBREVIATIONS, SIGNS, WORDS
from realmix.tasks.core.table.numbers_as_written import CURRENCY, MINUS

# How a number, date or truth value begins, in the syntax of RE2.
BEGINNING = rf"^(?:[{MINUS}(+]?\s*(?:{CURRENCY})?\s*[{MINUS}]?\s*[.,]?\p{{Nd}}|\p{{L}}{{3,10}}[-\s.,/]|(?i:true|false)$)"


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
    is_sign, is_marker : ndarray of bool, shape (n_texts,)
        Texts that are missing wherever they stand, and those that are missing among numbers.
    begins : ndarray of bool, shape (n_texts,)
        Texts that begin as numbers, dates or truth values do.
    """

    name: str
    texts: list[str]
    written: list[str]
    codes: np.ndarray
    counts: np.ndarray
    lines: np.ndarray
    is_sign: np.ndarray
    is_marker: np.ndarray
    begins: np.ndarray

    def count(self, is_chosen: Sequence[bool] | np.ndarray) -> int:
        """Count the cells of the chosen texts."""
        return int(self.counts[np.asarray(is_chosen, dtype=bool)].sum())

    def counted(self, is_chosen: np.ndarray) -> dict[str, int]:
        """Count the cells of each chosen text; two that differ by blanks are one."""
        counts: dict[str, int] = {}
        for i in np.flatnonzero(is_chosen):
            text = self.texts[i]
            counts[text] = counts.get(text, 0) + int(self.counts[i])
        return counts

    def chosen(self, is_chosen: np.ndarray) -> list[str]:
        """Return the chosen texts."""
        return [self.texts[i] for i in np.flatnonzero(is_chosen)]

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

    Examples
    --------
    >>> column = distinct_cells("x", pa.chunked_array([["a", " b", None, "a", "  ", "-"]]), np.arange(6))
    >>> column.texts, column.codes.tolist(), column.counts.tolist(), column.is_marker.tolist()
    (['a', 'b', '-'], [0, 1, -1, 0, -1, 2], [2, 1, 1], [False, False, True])
    """
    encoded = pc.utf8_ltrim_whitespace(cells).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    trimmed = pc.utf8_rtrim_whitespace(encoded.dictionary)
    is_there = pc.not_equal(trimmed, "").to_numpy(zero_copy_only=False)
    places = np.append(np.where(is_there, np.cumsum(is_there) - 1, -1), -1)
    codes = places[pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)]
    texts, written = trimmed.filter(is_there), encoded.dictionary.filter(is_there)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    is_sign = pc.is_in(texts, value_set=_SIGNS).to_numpy(zero_copy_only=False)
    is_word = pc.is_in(pc.utf8_lower(texts), value_set=_WORDS).to_numpy(zero_copy_only=False)
    begins = pc.match_substring_regex(texts, BEGINNING).to_numpy(zero_copy_only=False)
    # Without blanks behind any of them both are the same texts, kept once.
    kept = texts.to_pylist()
    whole = kept if texts.equals(written) else written.to_pylist()
    return Cells(name, kept, whole, codes, counts, lines, is_sign, is_sign | is_word, begins)


_SIGNS = pa.array(sorted(SIGNS))
_WORDS = pa.array(sorted(ABBREVIATIONS | WORDS))

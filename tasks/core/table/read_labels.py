"""Read a column of text as truth values, or keep it as labels and exact codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from realmix.tasks.core.table.column_text import ColumnText
from realmix.tasks.core.table.columns import TRUTHS
from realmix.tasks.core.table.markers import is_word
from realmix.tasks.core.table.numbers_as_written import MAX_EXACT
from realmix.tasks.core.table.plain_columns import UNSIGNED_POWER
from realmix.tasks.core.table.reading_report import ColumnReading


def read_truths(column: ColumnText) -> tuple[Any, ColumnReading] | None:
    """Read true and false; None if anything else stands beside them but markers."""
    if not column.may_be("truth", "numeric", "datetime"):
        return None
    texts = column.cells.texts
    truths = np.array([TRUTHS.get(text) for text in texts], dtype=object)
    is_read = np.array([truth is not None for truth in truths], dtype=bool)
    if not is_read.any() or column.rest(is_read).any() or any(map(is_word, column.cells.chosen(~is_read))):
        return None
    has_missing = (column.cells.codes < 0).any() or not is_read.all()
    values = column.cells.spread(np.where(is_read, truths, np.nan), np.nan)
    reading = column.reading("true or false", is_read, ~is_read, {"type": "truth"})
    return (values if has_missing else values.astype(bool)), reading


def read_codes(column: ColumnText) -> tuple[Any, ColumnReading] | None:
    """Keep codes that only look like numbers as text: 02139, 1E5, and whole numbers beyond 2^53."""
    if not column.may_be("text", "numeric"):
        return None
    why = why_codes(column.cells.chosen(~column.is_marker))
    if why is None:
        return None
    values, reading = column.as_text()
    return values, replace(reading, found="codes", notes=(*reading.notes, why))


def why_codes(texts: Sequence[str]) -> str | None:
    """Return why these texts are codes though they look like numbers; None if they do not.

    Examples
    --------
    >>> why_codes(["02139", "10001"]), why_codes(["1", "2"])
    ('numbers with leading zeros are read as codes', None)
    """
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

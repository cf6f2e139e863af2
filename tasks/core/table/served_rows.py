"""Raw rows as a model takes them: read as the file that the model was trained on was read.

A shipped model contains a copy of this file and of the modules of numbers, dates and markers, so it
imports public libraries and these only.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any, SupportsFloat

import numpy as np
import pandas as pd

from realmix.tasks.core.table.dates_as_written import date_values, seconds_since_1970
from realmix.tasks.core.table.markers import SIGNS, ZERO_DATES, is_marker
from realmix.tasks.core.table.numbers_as_written import clock_seconds, number_values

# Cells that are numbers, in a column that holds texts beside them.
NUMBERS: tuple[type[SupportsFloat], ...] = (Real, Decimal, np.bool_)
log = logging.getLogger("served_model")
# The same two values as Python, numpy, a count and a text file write them.
BOOLEAN_TEXTS: dict[Any, str] = {True: "True", False: "False"} | {
    text: word for word in ("True", "False") for text in (word, word.lower(), word.upper())
}
ANSWERS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "1.0"), "True"),
    **dict.fromkeys(("false", "no", "n", "f", "0", "0.0"), "False"),
}
DECIMAL = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]*)?")
# Above this share of cells that are no number or date of the training table's format, rows are refused.
MAX_UNREADABLE_SERVED = 0.1
# Above this share, and from this many cells, labels that the training table lacks are another coding.
MAX_UNSEEN_SERVED = 0.5
MIN_UNSEEN_SERVED = 20


def canonical_features(raw: pd.DataFrame, columns: list[dict[str, Any]]) -> pd.DataFrame:
    """Convert raw rows into numbers (NaN for missing) and texts (None for missing).

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        Any dtypes and any order of columns; columns that the model does not know are dropped. Text is
        read as the training table was: same number and date formats, markers and labels.
    columns : list of dict
        ``name``, ``kind`` and ``raw_type`` of each feature, as in the training schema; optional are its
        ``levels`` and the ``form`` in which its file wrote it.

    Returns
    -------
    DataFrame of shape (n_rows, n_features)
        The shares of unreadable cells and unseen labels are logged.

    Raises
    ------
    ValueError
        If a feature is missing, or too many cells of one cannot be read.
    """
    twice = [c["name"] for c in columns if (raw.columns == c["name"]).sum() > 1]
    if twice:
        raise ValueError(
            f"Columns {twice} occur more than once: it is unclear which are meant. Give each once."
        )
    missing = [c["name"] for c in columns if c["name"] not in raw.columns]
    if missing:
        expected = [c["name"] for c in columns]
        raise ValueError(
            f"Columns {missing} are missing: the model expects {expected}. Add them to the rows."
        )
    return pd.DataFrame({c["name"]: _served(raw[c["name"]], c) for c in columns}, index=raw.index)


def _served(values: pd.Series, column: Mapping[str, Any]) -> pd.Series:
    if column["kind"] == "categorical":
        return _served_labels(values, column)
    is_date = column["kind"] == "datetime"
    read, n_bad = (_served_moments if is_date else _served_numbers)(values, column.get("form") or {})
    n_present = int(values.notna().sum())
    if n_bad:
        what, expected = ("text that is no date", "dates") if is_date else ("text", "numbers")
        share = f"in {n_bad:,} of {n_present:,} cells"
        if n_bad > MAX_UNREADABLE_SERVED * n_present:
            raise ValueError(
                f"Column '{column['name']}' holds {what} where the model expects {expected}, {share}; expected at "
                f"most {MAX_UNREADABLE_SERVED:.0%}. Correct the cells, or write them as the training table does."
            )
        log.warning("column '%s' holds %s %s; they count as missing", column["name"], what, share)
    return read


def _served_numbers(values: pd.Series, form: Mapping[str, Any]) -> tuple[pd.Series, int]:
    if pd.api.types.is_timedelta64_dtype(values):
        return values.dt.total_seconds(), 0
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_complex_dtype(values):
        return pd.Series(np.nan, index=values.index, name=values.name), int(values.notna().sum())
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        return pd.Series(numbers, index=values.index, name=values.name), 0
    parse = clock_seconds if form.get("type") == "clock" else lambda texts: number_values(texts, form)
    return _by_text(values, parse, form, NUMBERS)


def _served_moments(values: pd.Series, form: Mapping[str, Any]) -> tuple[pd.Series, int]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return seconds_since_1970(values), 0

    def parse(texts: list[str]) -> np.ndarray:
        iso = seconds_since_1970(pd.Series(texts, dtype=object)).to_numpy()
        # 2024 alone, or eight digits where the file had none, is no date.
        iso[[text.isdecimal() for text in texts]] = np.nan
        written = date_values(texts, form) if "order" in form else np.full(len(texts), np.nan)
        return np.where(np.isnan(iso), written, iso)

    return _by_text(values, parse, form)


def _by_text(
    values: pd.Series,
    parse: Callable[[list[str]], np.ndarray],
    form: Mapping[str, Any],
    as_is: tuple[type[SupportsFloat], ...] = (),
) -> tuple[pd.Series, int]:
    """Read each distinct cell by its text, but cells of the types `as_is` as the numbers that they are.

    Return the numbers, and how many cells are none.
    """
    codes, distinct = _distinct(values.astype(object))
    texts = [_as_text(cell) for cell in distinct]
    declared = form.get("missing", ())
    is_missing = [not text or is_marker(text) or text in ZERO_DATES or text in declared for text in texts]
    read = np.where(is_missing, np.nan, parse(texts)) if texts else np.empty(0)
    for i, cell in enumerate(distinct):
        if isinstance(cell, as_is) and not is_missing[i]:
            read[i] = float(cell)
    is_bad = np.append(np.isnan(read) & ~np.array(is_missing, dtype=bool), False)
    numbers = np.append(read, np.nan)[codes]
    return pd.Series(numbers, index=values.index, name=values.name), int(is_bad[codes].sum())


def _distinct(cells: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the code of each cell, and the distinct present ones; lists and the like by their text."""
    try:
        return pd.factorize(cells)
    except TypeError:  # cells that have no hash
        return pd.factorize(
            cells.map(lambda cell: cell if isinstance(cell, NUMBERS) else str(cell), na_action="ignore")
        )


def _as_text(cell: Any) -> str:
    """Write a cell as a text file does: 3.0 as 3, without blanks at its ends."""
    is_whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell) if is_whole else cell).strip()


def _served_labels(values: pd.Series, column: Mapping[str, Any]) -> pd.Series:
    labels = as_strings(values, column["raw_type"])
    levels = column.get("levels")
    if levels is None:
        return labels
    codes, distinct = pd.factorize(labels)
    find = _level_finder(levels, column.get("form") or {})
    texts = [find(text) for text in distinct]
    known = {*levels, ""}
    is_unseen = np.append([text not in known for text in texts], False).astype(bool)
    n_unseen, n_present = int(is_unseen[codes].sum()), int((codes >= 0).sum())
    if n_unseen:
        share = f"{n_unseen:,} of {n_present:,} cells of the column '{column['name']}' hold labels that the model has not seen"
        if n_unseen >= MIN_UNSEEN_SERVED and n_unseen > MAX_UNSEEN_SERVED * n_present:
            raise ValueError(
                f"{share}; expected at most {MAX_UNSEEN_SERVED:.0%}. Write the labels as the training table does."
            )
        log.info("%s; they count as missing", share)
    read = np.array([text or None for text in texts] + [None], dtype=object)[codes]
    return pd.Series(read, index=values.index, name=values.name, dtype=object)


def _level_finder(levels: list[str], form: Mapping[str, Any]) -> Callable[[str], str]:
    """Return a function that finds the level a label means: the same text, spelling or number.

    It returns "" for a label that means a missing cell, and an unseen label as it is.
    """
    known, missing = set(levels), {"", *SIGNS, *form.get("missing", ())}
    ways = [_number_of, label_key] if form.get("fold") else [_number_of]
    by_key = [_unique(levels, way) for way in ways]

    def find(text: str) -> str:
        bare = text.strip()
        if text in known or bare in known:
            return text if text in known else bare
        if bare in missing:
            return ""
        found = (same.get(way(bare)) for way, same in zip(ways, by_key, strict=True))
        return next((level for level in found if level is not None), bare)

    return find


def _unique(levels: list[str], way: Callable[[str], Any]) -> dict[Any, str]:
    """Return the levels by a key that no two of them share."""
    keys = [way(level) for level in levels]
    n_by_key = Counter(keys)
    return {
        key: level for key, level in zip(keys, levels, strict=True) if key is not None and n_by_key[key] == 1
    }


def label_key(text: str) -> str:
    """Return what two spellings of one label have in common.

    Examples
    --------
    >>> label_key("Yes ") == label_key("YES"), label_key("no  garage") == label_key("No garage")
    (True, True)
    """
    return " ".join(text.split()).casefold()


def _number_of(text: str) -> float | None:
    """Return the number that a label is: 1, 1.0 and 01 are one."""
    return float(text) if DECIMAL.fullmatch(text) else None


def as_strings(values: pd.Series, raw_type: str) -> pd.Series:
    """Convert categories to text: 3 and 3.0 are both "3"."""
    present = values.notna()
    out = pd.Series([None] * len(values), index=values.index, dtype=object)
    cells = values[present]
    if pd.api.types.is_bool_dtype(cells) and raw_type == "integer":
        cells = cells.astype("int64")
    elif raw_type == "integer" and not pd.api.types.is_integer_dtype(cells):
        # 1.5 is no code of the table, and must not become 1.
        cells = cells.astype(object).map(_without_point)
    elif raw_type == "boolean":
        cells = cells.astype(object).map(_truth_text)
        cells = cells.where(cells.notna(), None)
        out[present] = cells.to_numpy(dtype=object)
        return out
    elif raw_type == "string" and pd.api.types.is_float_dtype(cells):
        cells = cells.astype(object).map(_without_point)
    out[present] = cells.astype(str).to_numpy(dtype=object)
    return out


def _truth_text(cell: Any) -> str | None:
    return ANSWERS.get(str(cell).strip().lower())


def _without_point(value: Any) -> Any:
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return int(value) if is_whole else value

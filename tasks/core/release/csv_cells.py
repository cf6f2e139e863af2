"""Cells of a shared CSV file: no spreadsheet takes one for a formula."""

from __future__ import annotations

import re

import pandas as pd

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t")
LINE_BREAKS = re.compile(r"[\r\n]+")


def escape_formulas(rows: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before texts, and names of columns, that a spreadsheet would run; line breaks become blanks.

    Examples
    --------
    >>> escape_formulas(pd.DataFrame({"=a": ["+1", "b"], "n": [-1, 2]})).to_dict("list")
    {"'=a": ["'+1", 'b'], 'n': [-1, 2]}
    """
    escaped = {
        str(name): cells if pd.api.types.is_numeric_dtype(cells) else cells.map(_escaped, na_action="ignore")
        for name, cells in rows.items()
    }
    return pd.DataFrame(escaped, index=rows.index).rename(columns=_escaped)


def _escaped(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    # Within a cell, a line break would begin a row for some programs.
    text = LINE_BREAKS.sub(" ", cell)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text

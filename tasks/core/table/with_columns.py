"""Set columns whatever they are called: as keyword arguments, a column called ``self`` would be taken for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def with_columns(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a copy of a table in which some columns are set; new ones come last.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    columns : mapping of name to Series, array or constant
        A Series is aligned with the index of `frame`.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns or more)

    Examples
    --------
    >>> with_columns(pd.DataFrame({"self": [1, 2]}), {"self": [3, 4], "y": 0}).to_dict("list")
    {'self': [3, 4], 'y': [0, 0]}
    """
    made = frame.copy(deep=False)
    for name, values in columns.items():
        made[name] = values
    return made

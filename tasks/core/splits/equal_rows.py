"""Rows with equal features: repeats of one row, which no fold may separate, or chance, which it may.

In a table of a few discrete columns many rows are equal without having anything to do with each other.
Keeping these in one fold withholds from every model the rows that are most like those it is asked about,
and can turn the sign of a comparison (a linear model's gain of -6.8 % became +14.6 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

# Up to this many times the pairs that chance explains are chance: the estimate is a rough one.
ALLOWED_EXCESS = 2.0


def equal_row_groups(features: pd.DataFrame) -> np.ndarray:
    """Return a group number for each row: equal for repeats, different for rows that are equal by chance.

    Parameters
    ----------
    features : DataFrame of shape (n_rows, n_features)
        Canonical features.

    Returns
    -------
    ndarray of int, shape (n_rows,)

    Examples
    --------
    >>> measured = pd.DataFrame({"weight": [60.1, 72.5, 60.1, 81.0], "height": [1.71, 1.80, 1.71, 1.83]})
    >>> equal_row_groups(measured).tolist()
    [0, 1, 0, 2]
    >>> flags = pd.DataFrame({"smokes": ["no", "yes"] * 20, "drives": ["no", "no", "yes", "yes"] * 10})
    >>> len(set(equal_row_groups(flags)))
    40
    """
    codes = [pd.factorize(features[name], use_na_sentinel=False)[0] for name in features.columns]
    groups = _numbered(codes, len(features))
    return np.arange(len(groups)) if is_chance(codes, groups) else groups


def is_chance(codes: Sequence[np.ndarray], groups: np.ndarray) -> bool:
    """Return whether as many equal rows follow from pairs of rows that differ in one column only.

    Where a column has equal values in a share q of the pairs that are equal in another column, pairs that
    are equal in every column are q / (1 - q) times as many as those that differ in this one alone. A table
    in which rows were repeated has many of the former and hardly any of the latter.

    Parameters
    ----------
    codes : sequence of ndarray of int, shape (n_rows,)
        Values of each feature, numbered from 0.
    groups : ndarray of int, shape (n_rows,)
        Equal for rows that are equal in every feature.
    """
    n_equal = _equal_pairs(groups)
    if not n_equal or len(codes) == 1:  # of one column, its own frequencies explain everything
        return bool(n_equal)
    for place, code in enumerate(codes):
        others = [c for i, c in enumerate(codes) if i != place]
        n_near = _equal_pairs(_numbered(others, len(groups))) - n_equal
        if n_near and any(
            ALLOWED_EXCESS * n_near * odds >= n_equal for odds in _odds_of_equality(code, others, n_equal)
        ):
            return True
    return False


def _odds_of_equality(code: np.ndarray, others: Sequence[np.ndarray], n_equal: int) -> Iterator[float]:
    """Yield q / (1 - q) of a column: among all pairs of rows, then among those equal in each other column.

    Pairs that are equal in every column are left out: they are what is to be explained.
    """
    everywhere = np.zeros(len(code), dtype=np.int64)
    for given in (everywhere, *others):
        n_given = _equal_pairs(given) - n_equal
        n_both = _equal_pairs(_numbered([code, given], len(code))) - n_equal
        if n_both > 0:
            yield n_both / (n_given - n_both) if n_given > n_both else math.inf


def _numbered(codes: Sequence[np.ndarray], n_rows: int) -> np.ndarray:
    """Assign numbers to the distinct rows of several code columns, from 0 in order of appearance."""
    found = np.zeros(n_rows, dtype=np.int64)
    for code in codes:
        found = pd.factorize(found * (int(code.max(initial=0)) + 1) + code)[0]
    return found


def _equal_pairs(codes: np.ndarray) -> int:
    counts = np.bincount(codes)
    return int((counts * (counts - 1) // 2).sum())

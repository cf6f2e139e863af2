"""One space for rows of mixed columns, in which distances weigh every column alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from realmix.tasks.core.table.columns import Column

# Levels of a column beyond the most frequent ones are not distinguished.
MAX_LEVELS = 50


def place_rows(
    reference: pd.DataFrame,
    others: pd.DataFrame,
    columns: Sequence[Column],
    *,
    numbers: Literal["ranks", "deviations"] = "ranks",
) -> np.ndarray:
    """Place rows in one space: numbers with unit variance, two different levels 1 apart.

    Parameters
    ----------
    reference : DataFrame of shape (n_reference, >= n_columns)
        Canonical; its values fix the scale of numbers and the most frequent levels.
    others : DataFrame of shape (n_others, >= n_columns)
        Canonical.
    columns : sequence of Column
    numbers : {"ranks", "deviations"}
        Numbers by their ranks among the reference rows, or divided by their standard deviation there.

    Returns
    -------
    ndarray of shape (n_reference + n_others, n_dimensions)
        Reference rows first.

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> rows = pd.DataFrame({"x": [1.5, 2.5, 9.5], "y": ["a", "b", "a"]})
    >>> place_rows(rows, rows, infer_schema(rows, "y").modelled).shape
    (6, 4)
    """
    both = pd.concat([reference, others], ignore_index=True)
    scaled = _ranks if numbers == "ranks" else _deviations
    parts = []
    for column in columns:
        values = both[column.name]
        if column.is_categorical:
            parts.append(_level_points(values, len(reference)))
        else:
            parts.append(scaled(values.to_numpy(dtype=float), len(reference)))
    return np.hstack(parts)


def _level_points(values: pd.Series, n_reference: int) -> np.ndarray:
    """Return indicators of the most frequent levels, a missing one among them."""
    codes, levels = pd.factorize(values, use_na_sentinel=False)
    counts = np.bincount(codes[:n_reference], minlength=len(levels))
    frequent = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    points: np.ndarray = (codes[:, None] == frequent) * np.sqrt(0.5)
    return points


def _ranks(numbers: np.ndarray, n_reference: int) -> np.ndarray:
    """Return mid-ranks among the reference rows, of unit variance; a missing number is 1 from all others."""
    known = np.sort(numbers[:n_reference][np.isfinite(numbers[:n_reference])])
    missing = ~np.isfinite(numbers)
    below, upto = np.searchsorted(known, numbers, side="left"), np.searchsorted(known, numbers, side="right")
    rank = (below + upto) / max(2 * len(known), 1)
    return np.column_stack([np.where(missing, 0.5, rank) * np.sqrt(12.0), missing])


def _deviations(numbers: np.ndarray, n_reference: int) -> np.ndarray:
    """Return numbers over their standard deviation; a missing one is in the middle, and 1 from all others."""
    known = numbers[:n_reference][np.isfinite(numbers[:n_reference])]
    middle, spread = (known.mean(), known.std()) if len(known) else (0.0, 0.0)
    missing = ~np.isfinite(numbers)
    return np.column_stack([(np.where(missing, middle, numbers) - middle) / (spread or 1.0), missing])

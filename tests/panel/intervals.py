"""Means over tables, shares with Wilson's interval, and how they are written."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed

N_DRAWS = 2000


def over_tables(values: pd.Series, tables: pd.Series) -> tuple[float, float, float]:
    """Mean over tables with a 95 % interval from drawing whole tables.

    Returns
    -------
    mean, low, high : float
    """
    means = values.groupby(tables).mean().dropna().to_numpy()
    if not len(means):
        return math.nan, math.nan, math.nan
    rng = np.random.default_rng(derive_seed("panel summary"))
    drawn = means[rng.integers(len(means), size=(N_DRAWS, len(means)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(means.mean()), float(low), float(high)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Examples
    --------
    >>> low, high = wilson(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.826, 0.945)
    """
    if not n:
        return math.nan, math.nan
    z, share = 1.96, successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return centre - reach, centre + reach


def percent(value: float, digits: int = 2) -> str:
    """A share as signed per cent."""
    return "none" if not np.isfinite(value) else f"{100 * value:+.{digits}f} %"


def mean_in_words(values: pd.Series, tables: pd.Series) -> str:
    """Mean over tables with its interval, and the number of runs where it is known."""
    mean, low, high = over_tables(values, tables)
    return f"{percent(mean)} [{percent(low)}, {percent(high)}] ({values.notna().sum()} runs)"


def share_in_words(happened: pd.Series) -> str:
    """How often something happened, with Wilson's interval.

    Examples
    --------
    >>> share_in_words(pd.Series([True] * 90 + [False] * 10))
    '90 of 100 = 90.0 % [82.6, 94.5]'
    """
    if happened.empty:
        return "none to count"
    low, high = wilson(int(happened.sum()), len(happened))
    share = f"{100 * happened.mean():.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{int(happened.sum())} of {len(happened)} = {share}"

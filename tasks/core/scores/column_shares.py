"""Shares of real and synthetic rows in the bins or levels of a column, to be drawn beside each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import printable
from realmix.tasks.core.words import in_digits

N_BINS, N_LEVELS = 12, 8
# Fewer real rows of a level are counted under `OTHERS`: a picture names nobody.
MIN_ROWS = 10
OTHERS, MISSING = "others", "missing"
# Between these quantiles of the real rows; one outlier would press all others into one bin.
ENDS = (0.01, 0.99)

Shares = tuple[list[str], list[float], list[float]]


def level_shares(real: pd.Series, synthetic: pd.Series) -> Shares:
    """Return the most frequent levels of the real rows, with both shares; others and missing cells last.

    Examples
    --------
    >>> real = pd.Series(["a"] * 30 + ["b"] * 10 + [None] * 10)
    >>> level_shares(real, pd.Series(["a", "b", "b", "c"]))
    (['a', 'b', 'others', 'missing'], [0.6, 0.2, 0.0, 0.2], [0.25, 0.5, 0.25, 0.0])
    """
    counts = real.value_counts()
    frequent = [str(level) for level in counts.index[counts >= MIN_ROWS]]
    levels = [level for level in frequent if level not in (OTHERS, MISSING)][:N_LEVELS]
    names = [*levels, OTHERS, MISSING]

    def of(values: pd.Series) -> pd.Series:
        kept = values.where(values.isin(levels), OTHERS).where(values.notna(), MISSING)
        return kept.value_counts(normalize=True).reindex(names, fill_value=0.0)

    shares = of(real), of(synthetic)
    shown = [name for name in names if name in levels or shares[0][name] + shares[1][name] > 0]
    first, second = ([round(float(each[name]), 6) for name in shown] for each in shares)
    return [printable(name) for name in shown], first, second


def number_shares(real: pd.Series, synthetic: pd.Series) -> tuple[np.ndarray, list[float], list[float]]:
    """Return edges of equally wide bins between the 1 % and 99 % quantiles of the real rows, with both shares.

    Rows beyond the ends are counted in the outermost bins, missing cells in none.

    Examples
    --------
    >>> edges, real, synthetic = number_shares(pd.Series(np.arange(1000.0)), pd.Series([0.0, 1e9, None]))
    >>> len(edges), round(sum(real), 3), round(synthetic[0], 3), round(synthetic[-1], 3)
    (13, 1.0, 0.333, 0.333)
    """
    low, high = (float(q) for q in real.quantile(list(ENDS)))
    n_values = real.nunique()
    if not high > low:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, min(N_BINS, max(n_values, 1)) + 1)

    def of(values: pd.Series) -> list[float]:
        counts = np.histogram(values.dropna().clip(low, high), edges)[0]
        return [round(float(count) / max(len(values), 1), 6) for count in counts]

    return edges, of(real), of(synthetic)


def bin_names(edges: np.ndarray, *, is_date: bool = False) -> list[str]:
    """Name bins by their ends.

    Examples
    --------
    >>> bin_names(np.array([0.0, 1.5, 3.0])), bin_names(np.array([0.0, 86400.0]), is_date=True)
    (['0 to 1.5', '1.5 to 3'], ['1970-01-01 to 1970-01-02'])
    """
    width = float(edges[1] - edges[0])
    texts = [_moment(edge) if is_date else in_digits(float(edge), width) for edge in edges]
    return [f"{low} to {high}" for low, high in itertools.pairwise(texts)]


def correlated_pairs(real: pd.DataFrame, synthetic: pd.DataFrame) -> Iterator[tuple[str, str, float, float]]:
    """Yield both rank correlations of every pair of number columns that vary in both tables.

    Examples
    --------
    >>> rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 5.0]})
    >>> [(a, b, round(x, 3), round(y, 3)) for a, b, x, y in correlated_pairs(rows, -rows)]
    [('a', 'b', 1.0, 1.0)]
    """
    names = [name for name in real if min(real[name].nunique(), synthetic[name].nunique()) > 1]
    first, second = (rows[names].corr(method="spearman").to_numpy() for rows in (real, synthetic))
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        if np.isfinite(first[i, j]) and np.isfinite(second[i, j]):
            yield names[i], names[j], float(first[i, j]), float(second[i, j])


def _moment(seconds: float) -> str:
    return str(pd.Timestamp(seconds, unit="s").date())

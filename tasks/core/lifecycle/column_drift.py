"""Drift of one column: size of the shift and its significance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.columns import Column

# Tenths of the reference rows, the usual bins of the index (Siddiqi 2006, Credit Risk Scorecards).
N_QUANTILE_BINS = 10
# Rarer levels share one bin: each bin adds noise to the index.
MAX_LEVELS = 20
# Bins without rows have no logarithm; half a row each is Jeffreys' prior of a proportion.
PRIOR_ROWS = 0.5
# Cochran 1954, https://doi.org/10.2307/3001666: with fewer rows expected, chi-squared is no chi-squared.
MIN_EXPECTED = 5
# Divided by the factor the numbers must match the earlier ones: within this distance, or by this p-value.
UNIT_DISTANCE, UNIT_P_VALUE = 0.1, 0.05
# A factor this close to a power of ten is rounded to it: a median of few rows is not more exact.
POWER_TOLERANCE = 0.25
# Pounds for kilograms is 2.2; smaller factors occur without a change of unit.
MIN_UNIT_FACTOR = 2.0


@dataclass(frozen=True)
class Bins:
    """Bins of a column, fitted on its reference rows.

    Attributes
    ----------
    edges : ndarray of shape (n_edges,)
        Upper bounds of the bins of numbers, except the last.
    levels : tuple of str
        Levels with a bin of their own; other known levels share a bin.
    known : frozenset of str
        All levels of the reference rows.
    is_categorical : bool
    """

    edges: np.ndarray
    levels: tuple[str, ...]
    known: frozenset[str]
    is_categorical: bool

    @property
    def n_bins(self) -> int:
        """Number of bins, with those of missing values and, for categories, of rare and unseen levels."""
        return len(self.levels) + 3 if self.is_categorical else len(self.edges) + 2

    def codes(self, values: pd.Series) -> np.ndarray:
        """Assign a bin to each row; 0 for missing values.

        Parameters
        ----------
        values : Series of shape (n_rows,)
            Canonical.

        Returns
        -------
        ndarray of int, shape (n_rows,)
            In [0, n_bins).
        """
        if not self.is_categorical:
            places = np.searchsorted(self.edges, values.to_numpy(dtype=float), side="left") + 1
            return np.where(values.isna(), 0, places)
        own = {level: place + 1 for place, level in enumerate(self.levels)}
        rare, unseen = len(own) + 1, len(own) + 2
        places, levels = pd.factorize(values)
        codes = [own.get(level, rare if level in self.known else unseen) for level in levels]
        # Missing values have place -1: the last.
        bins: np.ndarray = np.array([*codes, 0])[places]
        return bins

    def counts(self, values: pd.Series) -> np.ndarray:
        """Count the rows in each bin: shape (n_bins,)."""
        return np.bincount(self.codes(values), minlength=self.n_bins)


def learn_bins(reference: pd.Series, column: Column) -> Bins:
    """Fit bins: numbers at the deciles of the reference, its frequent levels one by one.

    Parameters
    ----------
    reference : Series of shape (n_reference,)
        Canonical.
    column : Column

    Examples
    --------
    >>> numbers = pd.Series([*range(100), None], dtype=float)
    >>> bins = learn_bins(numbers, Column("age", "numeric", "integer"))
    >>> bins.counts(numbers).tolist()
    [1, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]
    """
    present = reference.dropna()
    if column.is_categorical:
        counts = present.value_counts()
        ranked = sorted(counts.index, key=lambda level: (-counts[level], level))
        return Bins(np.empty(0), tuple(ranked[:MAX_LEVELS]), frozenset(ranked), True)
    shares = np.arange(1, N_QUANTILE_BINS) / N_QUANTILE_BINS
    edges = np.unique(np.quantile(present, shares)) if len(present) else np.empty(0)
    return Bins(edges, (), frozenset(), False)


def population_stability_index(reference: np.ndarray, new: np.ndarray) -> float:
    """Compute the index of the shift between two vectors of counts: above 0.25 it is large.

    Parameters
    ----------
    reference, new : ndarray of shape (n_bins,)
        Rows in each bin. Bins that are empty on both sides are left out.

    References
    ----------
    Siddiqi 2006, Credit Risk Scorecards, https://doi.org/10.1002/9781119201731

    Examples
    --------
    >>> round(population_stability_index(np.array([500, 500]), np.array([300, 700])), 3)
    0.169
    """
    used = (reference + new) > 0
    shares = [(side[used] + PRIOR_ROWS) / (side.sum() + PRIOR_ROWS * used.sum()) for side in (reference, new)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def index_by_chance(reference: np.ndarray, new: np.ndarray, level: float) -> float:
    """Return the index that rows of one source exceed with probability `level` only.

    Few rows give a large index without any shift: times ``n m / (n + m)`` it is chi-squared.

    References
    ----------
    Yurdakul, Naranjo 2020, Statistical properties of the population stability index,
    https://doi.org/10.21314/JRMV.2020.227

    Examples
    --------
    >>> counts = np.array([15, 15])
    >>> round(index_by_chance(counts, counts, 0.01), 2)
    0.44
    """
    from scipy import stats

    df = max(int(((reference + new) > 0).sum()) - 1, 1)
    return float(stats.chi2.isf(level, df) * (1 / reference.sum() + 1 / new.sum()))


def shift_p_value(reference: pd.Series, new: pd.Series, column: Column) -> float:
    """Return the p-value of a test that two samples are of one source.

    Parameters
    ----------
    reference, new : Series of shape (n_rows,)
        Canonical. Missing is a level of its own, and lower than any number.
    column : Column

    Returns
    -------
    float
        Of the chi-squared test for categories, else of Kolmogorov and Smirnov's, which is
        conservative with ties.
    """
    if column.is_categorical:
        both = pd.concat([reference, new], ignore_index=True)
        levels = both.factorize(use_na_sentinel=False)[0]
        codes = (levels[: len(reference)], levels[len(reference) :])
        table = np.array([np.bincount(side, minlength=levels.max() + 1) for side in codes])
        return _chi_squared_p(table)
    from scipy import stats

    lowest = [side.fillna(-np.inf).to_numpy(dtype=float) for side in (reference, new)]
    return float(stats.ks_2samp(lowest[0], lowest[1], method="asymp").pvalue)


def unit_factor(reference: pd.Series, new: pd.Series) -> float | None:
    """Estimate the factor between two units of measurement, if the numbers look like two units.

    Parameters
    ----------
    reference, new : Series of shape (n_rows,)
        Canonical numbers.

    Returns
    -------
    float or None
        About how many times as large the new numbers are, if it is at least 2 or at most 1/2 and
        the new numbers, divided by it, are distributed as before. Two significant digits.

    Examples
    --------
    >>> metres = pd.Series(np.linspace(1.5, 2.0, 50))
    >>> unit_factor(metres, 100 * metres), unit_factor(metres, metres + 2)
    (100.0, None)
    """
    from scipy import stats

    before, after = (side[np.isfinite(side)].to_numpy() for side in (reference, new))
    sizes = [np.abs(side[side != 0]) for side in (before, after)]
    if not all(len(side) for side in sizes):
        return None
    ratio = float(np.median(sizes[1]) / np.median(sizes[0]))
    power = 10.0 ** round(math.log10(ratio))
    factor = power if abs(ratio / power - 1) < POWER_TOLERANCE else float(f"{ratio:.2g}")
    if max(factor, 1 / factor) < MIN_UNIT_FACTOR:
        return None
    found = stats.ks_2samp(before, after / factor, method="asymp")
    is_as_before = found.statistic < UNIT_DISTANCE or found.pvalue > UNIT_P_VALUE
    return factor if is_as_before else None


def _chi_squared_p(table: np.ndarray) -> float:
    """Return the p-value of a table of 2 x levels, the rarest levels merged."""
    from scipy import stats

    pooled = _pool_rare(table)
    if pooled.shape[1] < 2:
        return 1.0
    found: Any = stats.chi2_contingency(pooled, correction=False)
    return float(found.pvalue)


def _pool_rare(table: np.ndarray) -> np.ndarray:
    """Merge the columns of which a side expects too few rows, with the rarest other one if need be."""
    expected = table.sum(axis=0) * min(table.sum(axis=1)) / table.sum()
    frequent = table[:, expected >= MIN_EXPECTED]
    rare = table[:, expected < MIN_EXPECTED].sum(axis=1, keepdims=True)
    if rare.sum() * min(table.sum(axis=1)) / table.sum() >= MIN_EXPECTED or frequent.shape[1] == 0:
        return np.hstack([frequent, rare]) if rare.sum() else frequent
    frequent[:, [int(np.argmin(frequent.sum(axis=0)))]] += rare
    return frequent

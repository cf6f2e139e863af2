"""Which column of distinct whole numbers names rows, and which is a quantity."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Chance of calling numbers that tell nothing of the target a quantity.
MAX_CHANCE = 1e-4
N_BINS = 10
# A counter leaves out fewer numbers than it uses; a quantity is spread.
MIN_DENSITY = 0.5


def names_rows(numbers: pd.Series, target: pd.Series, *, is_called_so: bool) -> bool:
    """Return whether distinct whole numbers name rows.

    A row counter does, whatever it tells of the target: tables are sorted. Others do if they rise or are called
    identifiers, and tell nothing of the target.

    Parameters
    ----------
    numbers : Series
        Present cells of a column, all distinct.
    target : Series
        Of the same rows.
    is_called_so : bool
        Whether the column's name is one of an identifier.

    Examples
    --------
    >>> salary = pd.Series(range(20_000, 80_000, 300))
    >>> names_rows(salary, salary > 60_000, is_called_so=False), names_rows(salary, salary % 7, is_called_so=False)
    (False, True)
    """
    rises = numbers.is_monotonic_increasing
    if not rises and not is_called_so:
        return False
    is_dense = len(numbers) / (float(numbers.max()) - float(numbers.min()) + 1) >= MIN_DENSITY
    return is_dense or not tells(numbers, target)


def tells(numbers: pd.Series, target: pd.Series) -> bool:
    """Return whether the target differs between tenths of the numbers: a chi-squared or a Kruskal-Wallis test."""
    from scipy import stats

    tenth = (numbers.rank(method="first").to_numpy() - 1) * N_BINS // len(numbers)
    is_quantity = pd.api.types.is_numeric_dtype(target) and target.nunique() > N_BINS
    if is_quantity:
        y = target.to_numpy(dtype=float)
        chance = stats.kruskal(*(y[tenth == each] for each in np.unique(tenth))).pvalue
    else:
        counts = pd.crosstab(tenth, pd.factorize(target)[0])
        chance = stats.chi2_contingency(counts).pvalue if counts.shape[1] > 1 else 1.0
    return bool(chance <= MAX_CHANCE)

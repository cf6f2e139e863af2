"""Bootstrap draws of rows, in units that are drawn together."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from realmix.tasks.core.scores.out_of_fold import OutOfFold

# Weights of one chunk of draws stay below about 64 MB.
CHUNK_CELLS = 8_000_000
# With fewer blocks of time a bootstrap knows too little: groups, or rows, are drawn instead.
MIN_BLOCKS = 8


def draw_weights(
    units: np.ndarray, strata: np.ndarray | None, n_draws: int, seed: int
) -> Iterator[np.ndarray]:
    """Yield chunks of bootstrap counts of shape (n_chunk, n_rows); every draw leaves some row out."""
    rng = np.random.default_rng(seed)
    names, unit_of_row = np.unique(units, return_inverse=True)
    blocks = _unit_blocks(unit_of_row, strata, len(names))
    step = max(1, CHUNK_CELLS // len(units))
    for start in range(0, n_draws, step):
        n_chunk = min(step, n_draws - start)
        counts = np.zeros((n_chunk, len(names)))
        for block in blocks:
            counts[:, block] = rng.multinomial(len(block), np.full(len(block), 1 / len(block)), size=n_chunk)
        yield counts[(counts == 0).any(axis=1)][:, unit_of_row]


def _unit_blocks(unit_of_row: np.ndarray, strata: np.ndarray | None, n_units: int) -> list[np.ndarray]:
    """Return the units of each stratum."""
    if strata is None:
        return [np.arange(n_units)]
    stratum_of_unit = np.empty(n_units, dtype=int)
    stratum_of_unit[unit_of_row] = np.unique(strata, return_inverse=True)[1]
    return [np.flatnonzero(stratum_of_unit == s) for s in np.unique(stratum_of_unit)]


def time_blocks(moments: np.ndarray, groups: np.ndarray, folds: np.ndarray | None = None) -> np.ndarray:
    """Cut rows into consecutive stretches of time, each of which a bootstrap draws as one.

    Rows near in time are alike: drawn one by one they say less than their number, and intervals come out too
    short. A block spans as many distinct times as the cube root of their number, the rate of Hall, Horowitz
    and Jing; it is cut where a fold begins. Rows of a group go with the group's first row.

    Parameters
    ----------
    moments : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,)
        Rows with an equal value stay together.
    folds : ndarray of int, shape (n_rows,), optional

    Returns
    -------
    ndarray of shape (n_rows,)
        `groups` itself where there would be fewer than `MIN_BLOCKS` blocks.

    References
    ----------
    Carlstein 1986, https://doi.org/10.1214/aos/1176350057;
    Hall, Horowitz, Jing 1995, https://doi.org/10.1093/biomet/82.3.561

    Examples
    --------
    >>> time_blocks(np.arange(2000, 2027), np.arange(27)).tolist()[:10]
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    """
    times, moment = np.unique(moments, return_inverse=True)
    group = np.unique(groups, return_inverse=True)[1]
    first = np.full(group.max() + 1, len(times))
    np.minimum.at(first, group, moment)
    blocks = first[group] // int(np.cbrt(len(times)))
    if folds is not None:
        blocks = blocks + (blocks.max() + 1) * (folds - folds.min())
    return blocks if len(np.unique(blocks)) >= MIN_BLOCKS else groups


def draw_units(oof: OutOfFold) -> np.ndarray:
    """Return the unit of each validated row: its group, or the row alone."""
    return np.arange(len(oof.rows)) if oof.groups is None else np.asarray(oof.groups)[oof.rows]


def draw_strata(oof: OutOfFold, units: np.ndarray) -> np.ndarray | None:
    """Return strata for draws: fold and class, else fold, else None where a unit would cross them."""
    folds = oof.folds[0, oof.rows]
    choices = [folds]
    if oof.is_classification:
        choices.insert(0, folds * (int(oof.y.max()) + 1) + oof.y[oof.rows].astype(int))
    codes = np.unique(units, return_inverse=True)[1]
    for strata in choices:
        pairs = np.unique(np.column_stack([codes, strata]), axis=0)
        if len(pairs) == codes.max() + 1:
            return strata
    return None


def small_sample_factor(n_units: int) -> float:
    """Return the factor by which a 90 % bootstrap interval of few units is too narrow.

    The variance of n resampled values is short by ``(n - 1) / n``, and quantiles of t reach further than
    normal ones.

    Returns
    -------
    float
        Above 1; infinite for a single unit.

    References
    ----------
    Hesterberg 2015, https://doi.org/10.1080/00031305.2015.1089789

    Examples
    --------
    >>> round(small_sample_factor(5), 2), round(small_sample_factor(10), 2)
    (1.45, 1.17)
    """
    from scipy import stats

    if n_units < 2:
        return math.inf
    return float(stats.t.ppf(0.95, n_units - 1) / stats.norm.ppf(0.95)) * math.sqrt(n_units / (n_units - 1))

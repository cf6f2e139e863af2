"""Nested subsets of training rows: every smaller one lies inside every larger one."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Of a fold's training rows: the rows-saved curve is measured on a grid in steps of the square root
# of 2. The mix is made at one half, so that the curve extends to either side; the last share is the whole fold.
CURVE_SHARES = (1 / 4, 2**-1.5, 1 / 2, 2**-0.5, 1.0)
MIX_SHARE = CURVE_SHARES.index(1 / 2)
# Of the training rows of a slice, all others kept: for the slice's own curve, on at most so many slices.
SLICE_SHARES = (1 / 4, 1 / 2, 1.0)
MAX_SLICES = 6


def nested_subsets(
    strata: np.ndarray, groups: np.ndarray, shares: tuple[float, ...], *, seed: int
) -> list[np.ndarray]:
    """Draw nested subsets that preserve the strata and never split a group.

    Each group belongs to the stratum of most of its rows. Within a stratum the groups are
    shuffled; a group's place is the share of the stratum's rows that come before its middle, so
    a prefix over all groups holds about the same share of every stratum.

    Parameters
    ----------
    strata : ndarray of int, shape (n_rows,)
        Class codes; zeros without stratification.
    groups : ndarray of int, shape (n_rows,)
        Rows of one group stay together.
    shares : tuple of float
        In (0, 1]; a subset has the number of rows nearest to its share that whole groups allow.
    seed : int

    Returns
    -------
    list of ndarray of int
        Sorted positions of the rows of each share, in the order of `shares`; never empty.

    Examples
    --------
    >>> half, whole = nested_subsets(np.array([0, 0, 1, 1]), np.arange(4), (0.5, 1.0), seed=0)
    >>> len(half), whole.tolist(), set(half) < set(whole)
    (2, [0, 1, 2, 3], True)
    """
    ranks = _ranks(strata, groups, seed)
    order = np.argsort(ranks, kind="stable")
    # Where a subset may end: before a row of another group.
    ends = np.flatnonzero(np.append(np.diff(ranks[order]) > 0, True)) + 1
    sizes = [ends[np.argmin(np.abs(ends - share * len(groups)))] for share in shares]
    return [np.sort(order[:size]) for size in sizes]


def _ranks(strata: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Rank each row's group in the common order, distinct for every group: shape (n_rows,)."""
    codes = pd.factorize(groups)[0]
    counts = pd.crosstab(codes, strata).to_numpy()
    stratum, size = counts.argmax(axis=1), counts.sum(axis=1)
    shuffled = np.random.default_rng(seed).permutation(len(size))
    place = np.empty(len(size))
    for number in np.unique(stratum):
        members = shuffled[stratum[shuffled] == number]
        before = np.cumsum(size[members])
        place[members] = (before - size[members] / 2) / before[-1]
    # The shuffle breaks ties (the middles of two strata).
    ordered = shuffled[np.argsort(place[shuffled], kind="stable")]
    rank = np.empty(len(size), dtype=int)
    rank[ordered] = np.arange(len(size))
    ranks: np.ndarray = rank[codes]
    return ranks

"""Rows of unequal weight for fits that take no weights."""

from __future__ import annotations

import numpy as np


def resample_by_weight(weight: np.ndarray, strata: np.ndarray | None, *, seed: int) -> np.ndarray:
    """Draw as many rows as there are, each about as often as it weighs within its stratum.

    Systematic resampling: a row of weight w, where the mean is 1, is drawn w times, rounded down or up.
    Equal weights draw each row once, and little is lost where they are nearly equal.

    Parameters
    ----------
    weight : ndarray of shape (n_rows,)
        >= 0.
    strata : ndarray of shape (n_rows,) or None
        Each keeps its number of rows. Rows of one that weighs nothing are drawn once each.
    seed : int

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Positions in ascending order.

    References
    ----------
    Kitagawa 1996, https://doi.org/10.1080/10618600.1996.10474692

    Examples
    --------
    >>> resample_by_weight(np.array([1.0, 1.0, 2.0, 0.0]), None, seed=0).tolist()
    [0, 1, 2, 2]
    """
    rng = np.random.default_rng(seed)
    strata = np.zeros(len(weight), dtype=int) if strata is None else strata
    drawn = []
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        upto = np.cumsum(weight[rows]) if weight[rows].any() else np.arange(1.0, len(rows) + 1)
        ticks = (np.arange(len(rows)) + rng.random()) / len(rows) * upto[-1]
        drawn.append(rows[np.searchsorted(upto, ticks, side="right")])
    return np.sort(np.concatenate(drawn))

"""Cuts of features that people can read: ordered levels, and round thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

# Rarer levels count as missing: ordered by the target of a few rows, they would be learned by heart.
MIN_LEVEL_WEIGHT = 10.0
SECONDS_PER_DAY = 86_400


def order_levels(
    spec: dict[str, Any], encoded: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Order the frequent levels of each category by their mean target, and renumber the codes.

    Parameters
    ----------
    spec : dict
        From :func:`realmix.tasks.models._preprocessing.learn_codes`; its lists of levels are replaced.
    encoded : ndarray of shape (n_rows, n_features)
        Codes of the levels in their former order; NaN where missing.
    target, weight : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        Rare levels are NaN.

    References
    ----------
    Fisher 1958, https://doi.org/10.2307/2281952: the best split of ordered levels is the best of all.
    """
    ordered = encoded.copy()
    for place, feature in enumerate(spec["features"]):
        if "levels" not in feature:
            continue
        codes = encoded[:, place]
        known = ~np.isnan(codes)
        code = codes[known].astype(int)
        n_levels = len(feature["levels"])
        totals = np.bincount(code, weight[known], n_levels)
        means = np.bincount(code, weight[known] * target[known], n_levels) / np.maximum(totals, 1e-300)
        order = [i for i in np.argsort(means, kind="stable") if totals[i] >= MIN_LEVEL_WEIGHT]
        rank = np.full(n_levels, np.nan)
        rank[order] = np.arange(len(order))
        ordered[known, place] = rank[code]
        feature["levels"] = [feature["levels"][i] for i in order]
    return ordered


def round_cut(low: float, high: float, *, is_date: bool = False) -> float:
    """Return the roundest number t with low <= t < high, as cells of float32 are compared with it.

    Parameters
    ----------
    low, high : float
        Largest cell below a cut and smallest one above it, of float32; low < high.
    is_date : bool
        Whether the numbers are seconds since 1970: then midnights come first.

    Examples
    --------
    >>> round_cut(40.0, 41.0), round_cut(25.0, 26.0), round_cut(1234.0, 3999.0)
    (40.0, 25.0, 3000.0)
    """
    middle = low / 2 + high / 2
    midnight = np.floor(middle / SECONDS_PER_DAY) * SECONDS_PER_DAY
    # Between neighbouring whole numbers the lower one, not a half.
    rounded = [midnight] if is_date else [np.floor(middle)] if high - low <= 1 else []
    rounded += [float(f"{middle:.{digits}g}") for digits in range(1, 10)]
    # A cell that equals the cut is rounded to float32 as the cut is, and so stays below it.
    cuts = np.asarray(rounded, dtype=np.float32).astype(float)
    return float(next((cut for cut in cuts if low <= cut < high), low))


def number_in_words(number: float, *, is_date: bool = False) -> str:
    """Write a cut as people do.

    Examples
    --------
    >>> number_in_words(0.10000000149011612), number_in_words(3e6), number_in_words(1.6e9, is_date=True)
    ('0.1', '3000000', '2020-09-13 12:26')
    """
    if is_date:
        moment = np.datetime64(int(number), "s")
        is_midnight = number % SECONDS_PER_DAY == 0
        return str(moment.astype("datetime64[D]" if is_midnight else "datetime64[m]")).replace("T", " ")
    return np.format_float_positional(np.float32(number), trim="-")

"""Behaviour under a shift: on the latest rows, or on rows unlike the rest.

With forward-in-time folds each fold is a shift by itself: models of the past are scored on what
came after. Without time a covariate-shifted validation sample is used instead: models of the
folds are scored on rows at one end of the table's main direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.out_of_fold import SMALLEST_REFERENCE
from realmix.tasks.core.scores.slices import Slice, SliceGain
from realmix.tasks.core.words import gain_and_interval, share_in_words

# The shifted samples are the outermost quarters; the half between them is not shifted.
TAIL_SHARE = 0.25
END_NAMES = ("rows at the low end", "rows in the middle half", "rows at the high end")
# A slope through fewer stretches has no interval.
MIN_STRETCHES = 3
# Positions closer than this differ by rounding; ties then go by the order of the rows.
POSITION_DECIMALS = 9


def main_direction(encoded: np.ndarray) -> np.ndarray:
    """Project rows on the first principal component of standardised columns.

    Parameters
    ----------
    encoded : ndarray of shape (n_rows, n_encoded)
        Numbers and one-hot categories without missing cells. Standardised one-hot columns make
        this the first component of an analysis of mixed data.

    Returns
    -------
    ndarray of shape (n_rows,)
        Mean 0; the sign makes the heaviest column's weight positive.

    References
    ----------
    Pagès 2004, Analyse factorielle de données mixtes, http://eudml.org/doc/106558

    Examples
    --------
    >>> main_direction(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])).round(3).tolist()
    [-1.732, 0.0, 1.732]
    """
    spread = encoded.std(axis=0)
    varying = spread > 0
    if not varying.any():
        return np.zeros(len(encoded))
    standardised = (encoded[:, varying] - encoded[:, varying].mean(axis=0)) / spread[varying]
    weights = np.linalg.eigh(standardised.T @ standardised)[1][:, -1]
    return np.asarray(standardised @ (weights * np.sign(weights[np.argmax(np.abs(weights))])))


def end_slices(position: np.ndarray) -> list[Slice]:
    """Slice the rows into the outermost quarter at either end and the half between them.

    Parameters
    ----------
    position : ndarray of shape (n_rows,)
        From :func:`main_direction`.

    Returns
    -------
    list of Slice
        Low end, middle, high end; empty if all positions are equal.

    Examples
    --------
    >>> [int(s.rows.sum()) for s in end_slices(np.arange(8.0))]
    [2, 4, 2]
    """
    rounded = np.round(position, POSITION_DECIMALS)
    if np.ptp(rounded) == 0:
        return []
    rank = np.empty(len(rounded), dtype=int)
    rank[np.argsort(rounded, kind="stable")] = np.arange(len(rounded))
    n_tail = int(TAIL_SHARE * len(rounded))
    low, high = rank < n_tail, rank >= len(rounded) - n_tail
    return [Slice(name, rows) for name, rows in zip(END_NAMES, (low, ~low & ~high, high), strict=True)]


def stretch_slices(folds: np.ndarray) -> list[Slice]:
    """Slice the rows by validated stretch of time, oldest first.

    Parameters
    ----------
    folds : ndarray of int, shape (n_rows,)
        From :func:`realmix.tasks.core.splits.folds.make_time_folds`.
    """
    numbers = np.unique(folds[folds >= 0])
    return [Slice(f"stretch {i + 1} of {len(numbers)}", folds == fold) for i, fold in enumerate(numbers)]


def describe_ends(found: Sequence[SliceGain], metric: MetricSpec) -> dict[str, Any] | None:
    """Compare both ends of the table with its middle.

    Parameters
    ----------
    found : sequence of SliceGain
        From :func:`end_slices`.
    metric : MetricSpec

    Returns
    -------
    dict or None
        `kind`; `samples`, each a slice with `real_only_worsens` and `mix_worsens` (share of the
        score in the middle half, positive = worse); `gain` and `interval` at the end where the
        mix does worse; `sentence`. None unless all three samples have rows.
    """
    if [s.name for s in found] != list(END_NAMES):
        return None
    middle, ends = found[1], (found[0], found[2])
    samples = [
        _as_sample(s)
        | {
            "real_only_worsens": worsening(metric, s.real_only, middle.real_only),
            "mix_worsens": worsening(metric, s.mix, middle.mix),
        }
        for s in ends
    ]
    worse = min(ends, key=lambda s: s.gain)
    return {
        "kind": "covariate shift",
        "unshifted": _as_sample(middle),
        "samples": samples,
        "gain": worse.gain,
        "interval": worse.interval,
        "sentence": _ends_sentence(samples, worse, metric),
    }


def describe_stretches(found: Sequence[SliceGain], metric: MetricSpec) -> dict[str, Any] | None:
    """Describe the gain forward in time.

    Parameters
    ----------
    found : sequence of SliceGain
        From :func:`stretch_slices`, oldest first.
    metric : MetricSpec

    Returns
    -------
    dict or None
        `kind`; `samples`, a slice per stretch; `gain` and `interval` on the latest stretch;
        `trend`, the change of the gain per stretch, with its 90 % `trend_interval`; `sentence`.
        None with fewer than two stretches.
    """
    if len(found) < 2:
        return None
    latest, (trend, bounds) = found[-1], slope([s.gain for s in found])
    relative = metric.margin_is_relative
    return {
        "kind": "forward in time",
        "samples": [_as_sample(s) for s in found],
        "gain": latest.gain,
        "interval": latest.interval,
        "trend": trend,
        "trend_interval": bounds,
        "sentence": (
            f"On the latest {latest.n_rows:,} rows the mix gains "
            f"{gain_and_interval(latest.gain, latest.interval, relative)}; from stretch to stretch of time its gain "
            f"changes by {gain_and_interval(trend, bounds, relative)}."
        ),
    }


def worsening(metric: MetricSpec, shifted: float, unshifted: float) -> float:
    """Return by how much a score is worse, as a share of the unshifted score; negative = better.

    Examples
    --------
    >>> from realmix.tasks.core.contracts.specs import MetricSpec
    >>> loss = MetricSpec("log_loss", max, False, (0.0, 9.0), ("binary",), 0.005, True)
    >>> round(worsening(loss, 0.56, 0.50), 3)
    0.12
    """
    difference = unshifted - shifted if metric.greater_is_better else shifted - unshifted
    return difference / max(abs(unshifted), SMALLEST_REFERENCE)


def slope(values: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    """Fit the least-squares change per step, with its 90 % interval from three values on.

    Examples
    --------
    >>> change, bounds = slope([0.01, 0.02, 0.03])
    >>> round(change, 4), [round(bound, 4) for bound in bounds]
    (0.01, [0.01, 0.01])
    """
    from scipy import stats

    steps = np.arange(len(values), dtype=float)
    fit = stats.linregress(steps, np.asarray(values, dtype=float))
    if len(values) < MIN_STRETCHES:
        return float(fit.slope), None
    reach = float(stats.t.ppf(0.95, len(values) - 2)) * float(fit.stderr)
    return float(fit.slope), (float(fit.slope) - reach, float(fit.slope) + reach)


def _as_sample(found: SliceGain) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("name", "n_rows", "real_only", "mix", "gain", "interval")}


def _ends_sentence(samples: Sequence[Mapping[str, Any]], worse: SliceGain, metric: MetricSpec) -> str:
    """Describe the end where the mix does worse."""
    sample = next(s for s in samples if s["name"] == worse.name)
    relative = metric.margin_is_relative
    shares = [sample["real_only_worsens"], sample["mix_worsens"]]
    changes = [f"{share_in_words(abs(share))} {'worse' if share > 0 else 'better'}" for share in shares]
    return (
        f"On the {worse.n_rows:,} {worse.name} of the table's main direction {metric.name} of real only is "
        f"{changes[0]} than in the middle half, of the mix {changes[1]}; the mix gains "
        f"{gain_and_interval(worse.gain, worse.interval, relative)} there."
    )

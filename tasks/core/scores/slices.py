"""Gain of the best mix per slice of the rows, and the slices that veto it.

All gains follow from the out-of-fold losses of two arms. Slices are never chosen by which arm is
better: they follow from features, from the target, or (hardest rows) from both arms alike, so a
slice's gain is not biased by how the slice was found. Of many declared slices one looks worse by chance:
a veto needs a loss beyond the metric's margin that is significant after Holm over all of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.scores.draws import draw_units, draw_weights, small_sample_factor
from realmix.tasks.core.scores.out_of_fold import OutOfFold, RowScores, gains
from realmix.tasks.core.scores.significance import holm
from realmix.tasks.core.words import gain_and_interval, gain_in_words

# Smaller slices are neither named by a value nor a veto (protocol, section 5).
MIN_ROWS = 50
# More groups than this in one column are no readable table; the smaller ones are merged.
MAX_GROUPS = 50
# Numbers with more distinct values are cut into this many parts of about equal size.
N_PARTS = 4
# Rarer levels are those of which models saw few examples.
RARE_SHARE = 0.05
HARDEST_SHARE = 0.1
N_DRAWS = 1000
# Two-sided 90 % of the normal distribution, which large slices follow.
NORMAL_QUANTILE = 1.645
OTHER = "other"
# Chance that a mix which is no worse on any of the declared slices is refused because of one.
VETO_LEVEL = 0.05


@dataclass(frozen=True)
class Slice:
    """Rows that are evaluated separately.

    Attributes
    ----------
    name : str
    rows : ndarray of bool, shape (n_rows,)
        Development rows of the slice.
    is_declared : bool
        True for groups of columns that the card names: on them the mix must not be worse.
    """

    name: str
    rows: np.ndarray
    is_declared: bool = False


@dataclass(frozen=True)
class SliceGain:
    """Scores and gain of the mix on a slice.

    `real_only` and `mix` are scores in the metric's units. `gain` is positive = better, a share
    of the real-only score if the metric's margin is relative; its 90 % `interval` is None if the
    slice has a single row or group. `vetoes` is True if the mix must not ship because of it: the slice is
    declared and the loss on it, beyond the metric's margin, is significant among all declared slices.
    """

    name: str
    n_rows: int
    real_only: float
    mix: float
    gain: float
    interval: tuple[float, float] | None
    is_declared: bool
    vetoes: bool


@dataclass(frozen=True)
class PairedLosses:
    """Losses of real only and of the mix on the validated rows.

    Attributes
    ----------
    metric : MetricSpec
        A mean over rows.
    rows : ndarray of int, shape (n_validated,)
        Positions among the development rows.
    losses : ndarray of shape (n_validated, 2)
        Averaged over repeats; real only, then the mix.
    units : ndarray of shape (n_validated,)
        Rows of one unit are drawn together.
    weight : ndarray of shape (n_validated,)
    """

    metric: MetricSpec
    rows: np.ndarray
    losses: np.ndarray
    units: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, oof: OutOfFold, metric: MetricSpec, *, real_only: Arm, mix: Arm) -> PairedLosses:
        """Compute the losses of two arms; `metric` must have a ``row_loss``."""
        places = [oof.arms.index(real_only), oof.arms.index(mix)]
        pair = replace(oof, arms=(real_only, mix), predictions=oof.predictions[places])
        losses = RowScores(pair, metric).losses
        return cls(metric, oof.rows, losses, draw_units(oof), oof.row_weight[oof.rows])


def declared_slices(values: pd.DataFrame, *, hidden: Collection[str]) -> list[Slice]:
    """Slice rows by the columns that the card names; a slice of all rows is left out.

    Levels of fewer than `MIN_ROWS` rows, and those after the `MAX_GROUPS` largest, are merged.
    Numbers are cut into `N_PARTS` parts of about equal size.

    Parameters
    ----------
    values : DataFrame of shape (n_rows, n_declared)
        Canonical columns.
    hidden : collection of str
        Columns whose values are never shown: groups are numbered, largest first. Merged levels
        that are still too small are left out.

    Returns
    -------
    list of Slice

    Examples
    --------
    >>> rows = pd.DataFrame({"plan": ["basic"] * 60 + ["plus"] * 50 + ["test"] * 3})
    >>> [s.name for s in declared_slices(rows, hidden=[])]
    ['plan: basic', 'plan: plus', 'plan: other']
    >>> [s.name for s in declared_slices(rows, hidden=["plan"])]
    ['plan: group 1 of 2', 'plan: group 2 of 2']
    """
    found = []
    for name in values.columns:
        column = values[name]
        is_level = column.dtype == object or column.nunique() <= N_PARTS
        groups = _by_level(column, name in hidden) if is_level else _by_part(column)
        found += [Slice(f"{name}: {label}", rows, True) for label, rows in groups.items() if not rows.all()]
    return found


def class_slices(y: np.ndarray, classes: Sequence[str]) -> list[Slice]:
    """Slice rows by class, the smallest named as the rare one; none for regression.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Class codes.
    classes : sequence of str
        Labels by code; empty for regression.

    Examples
    --------
    >>> [s.name for s in class_slices(np.array([0, 0, 1]), ["no", "yes"])]
    ['class: no', 'rare class: yes']
    """
    if not classes:
        return []
    counts = np.bincount(y, minlength=len(classes))
    rarest = int(np.argmin(np.where(counts > 0, counts, len(y) + 1)))
    return [
        Slice(f"{'rare class' if code == rarest else 'class'}: {label}", y == code)
        for code, label in enumerate(classes)
        if counts[code]
    ]


def rare_category_slice(categories: pd.DataFrame) -> list[Slice]:
    """Slice out the rows with a level, in some category, that fewer than 5 % of the rows have.

    Parameters
    ----------
    categories : DataFrame of shape (n_rows, n_categories)
        Text, None for missing: a missing cell is not a level.

    Returns
    -------
    list of Slice
        One, or none if no row or every row has such a level.
    """
    rare = np.zeros(len(categories), dtype=bool)
    for name in categories.columns:
        counts = categories[name].value_counts()
        rare |= categories[name].isin(counts.index[counts < RARE_SHARE * len(categories)]).to_numpy()
    return [Slice("rare categories", rare)] if rare.any() and not rare.all() else []


def hardest_slice(paired: PairedLosses, n_rows: int) -> Slice:
    """Slice out the tenth of the rows that both models together predict worst.

    Difficulty is the *mean* of both arms' losses. Chosen by the loss of real only alone, the
    slice would be the rows on which real only was unlucky, and any other model, even an equal one,
    would seem to gain there (regression to the mean). The mean treats both arms alike: two equal
    arms differ on it only by chance.

    Parameters
    ----------
    paired : PairedLosses
    n_rows : int
        Development rows.
    """
    hardest = np.argsort(-paired.losses.mean(axis=1), kind="stable")
    rows = np.zeros(n_rows, dtype=bool)
    rows[paired.rows[hardest[: math.ceil(HARDEST_SHARE * len(hardest))]]] = True
    return Slice("hardest tenth of the rows", rows)


def slice_gains(
    paired: PairedLosses, slices: Sequence[Slice], *, widening: float, seed: int
) -> tuple[SliceGain, ...]:
    """Score both arms on every slice, with 90 % intervals from one bootstrap of all rows.

    Parameters
    ----------
    paired : PairedLosses
    slices : sequence of Slice
        Those without a validated row of some weight are left out.
    widening : float
        Nadeau-Bengio factor on the distance of a bound from the gain, >= 1: the row bootstrap
        misses the variance of training sets.
    seed : int

    Returns
    -------
    tuple of SliceGain
        In the order of `slices`.

    References
    ----------
    Nadeau, Bengio 2003, https://doi.org/10.1023/A:1024068626366
    """
    members = [np.flatnonzero(s.rows[paired.rows] & (paired.weight > 0)) for s in slices]
    drawn = _drawn_gains(paired, members, seed)
    found = [
        _slice_gain(paired, wanted, of_slice, of_draws, widening)
        for wanted, of_slice, of_draws in zip(slices, members, drawn, strict=True)
        if len(of_slice)
    ]
    return _with_vetoes(found, paired.metric.margin)


def _with_vetoes(found: Sequence[SliceGain], margin: float) -> tuple[SliceGain, ...]:
    """Mark the declared slices whose loss beyond `margin` is significant after Holm over all of them."""
    tested = [i for i, s in enumerate(found) if s.is_declared and s.n_rows >= MIN_ROWS and s.interval]
    adjusted = dict(zip(tested, holm([_loss_p(found[i], margin) for i in tested]), strict=True))
    return tuple(replace(s, vetoes=adjusted.get(i, 1.0) <= VETO_LEVEL) for i, s in enumerate(found))


def _loss_p(found: SliceGain, margin: float) -> float:
    """Return the one-sided p-value of a loss beyond `margin`, from the upper bound of the 90 % interval."""
    from scipy import stats

    assert found.interval is not None
    error = (found.interval[1] - found.gain) / NORMAL_QUANTILE
    beyond = found.gain + margin
    return float(stats.norm.cdf(beyond / error)) if error > 0 else float(beyond >= 0)


def slice_vetoes(found: Sequence[SliceGain], metric: MetricSpec) -> list[str]:
    """Describe each declared slice on which the mix is clearly worse than real only.

    Parameters
    ----------
    found : sequence of SliceGain
    metric : MetricSpec
        Of the scores.
    """
    relative = metric.margin_is_relative
    return [
        f"On the declared slice '{s.name}' ({s.n_rows:,} rows) the best mix is worse than real only: its gain "
        f"in {metric.name} is {gain_and_interval(s.gain, s.interval, relative)}. No such slice may lose more than "
        f"{gain_in_words(metric.margin, relative)}; the number of slices is allowed for."
        for s in found
        if s.vetoes
    ]


def worst_gain(found: Sequence[SliceGain]) -> float | None:
    """Return the smallest gain over slices of at least `MIN_ROWS` rows, or None."""
    return min((s.gain for s in found if s.n_rows >= MIN_ROWS), default=None)


def _by_level(column: pd.Series, is_hidden: bool) -> dict[str, np.ndarray]:
    """Group rows by level, largest first, and merge those of too few rows."""
    texts = column.astype(object).where(column.notna(), "missing").map(_plain)
    counts = texts.value_counts()
    ranked = sorted(counts.index, key=lambda level: (-counts[level], level))
    large = [level for level in ranked if counts[level] >= MIN_ROWS][:MAX_GROUPS]
    labels = [f"group {i + 1} of {len(large)}" if is_hidden else level for i, level in enumerate(large)]
    groups = {
        label: (texts == level).to_numpy(dtype=bool) for label, level in zip(labels, large, strict=True)
    }
    rest = ~texts.isin(large).to_numpy()
    if rest.sum() >= (MIN_ROWS if is_hidden else 1):
        groups["other levels" if OTHER in groups else OTHER] = rest
    return groups


def _by_part(numbers: pd.Series) -> dict[str, np.ndarray]:
    """Group rows into numbered parts of about equal size; bounds would show values."""
    edges = np.unique(numbers.quantile(np.arange(1, N_PARTS) / N_PARTS))
    part = np.searchsorted(edges, numbers.to_numpy(dtype=float), side="left")
    present = numbers.notna().to_numpy()
    numbered = np.unique(part[present])
    groups = {
        f"part {i + 1} of {len(numbered)} from the lowest": present & (part == number)
        for i, number in enumerate(numbered)
    }
    return groups if present.all() else {**groups, "missing": ~present}


def _plain(level: object) -> str:
    """Format a level as people write it: 3, not 3.0."""
    return f"{level:g}" if isinstance(level, float) else str(level)


def _drawn_gains(paired: PairedLosses, members: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """Compute gains on the drawn rows of each slice, each of shape (n_draws,); NaN where none was drawn."""
    parts: list[list[np.ndarray]] = [[] for _ in members]
    for counts in draw_weights(paired.units, None, N_DRAWS, seed):
        for of_slice, found in zip(members, parts, strict=True):
            found.append(_gain(paired, of_slice, counts[:, of_slice] * paired.weight[of_slice])[2])
    return [np.concatenate(found) if found else np.empty(0) for found in parts]


def _gain(paired: PairedLosses, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Score both arms and the gain under weights of shape (n_draws, n_slice): each (n_draws,)."""
    total = weights.sum(axis=1)
    means = np.full((2, len(weights)), np.nan)
    np.divide((weights @ paired.losses[rows]).T, total, out=means, where=total > 0)
    real_only, mix = (np.asarray(paired.metric.from_mean_loss(mean)) for mean in means)
    return real_only, mix, gains(paired.metric, mix, real_only)


def _slice_gain(
    paired: PairedLosses, wanted: Slice, rows: np.ndarray, drawn: np.ndarray, widening: float
) -> SliceGain:
    real_only, mix, gain = (float(x[0]) for x in _gain(paired, rows, paired.weight[rows][None, :]))
    reach = widening * small_sample_factor(len(np.unique(paired.units[rows])))
    interval = None
    if math.isfinite(reach) and np.isfinite(drawn).any():
        low, high = np.nanquantile(drawn, [0.05, 0.95])
        interval = (gain - reach * max(gain - low, 0.0), gain + reach * max(high - gain, 0.0))
        interval = (float(interval[0]), float(interval[1]))
    return SliceGain(wanted.name, len(rows), real_only, mix, gain, interval, wanted.is_declared, False)

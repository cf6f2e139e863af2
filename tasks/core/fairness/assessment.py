"""Fairness as a part of the verdict document: rates per group, gaps, the synthetic rows, repairs, and vetoes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.documents import Bounds, Known, Number, Part
from realmix.tasks.core.fairness.gaps import MeasuredGap, measure_gaps
from realmix.tasks.core.fairness.groups import groupings, joined
from realmix.tasks.core.fairness.rates import MIN_ROWS, rates_of
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.scores.draws import draw_units
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.scores.slices import MAX_GROUPS

SHARE, DEVIATION = "share", "standard deviations of the target"


class RateOfGroup(Part):
    """A rate of one group; `n` rows are its denominator, and `note` says where it is not judged."""

    group: str
    n: int
    real_only: Known
    mix: Known
    difference: Known
    interval: Bounds | None
    note: str


class Gap(Part):
    """A rate in the groups of one column, or of two: the largest gap of both models, and the pair most widened.

    Gaps are of judged groups. `widening` is the gap of `pair` under the mix minus that under real only, with
    its own 90 % `interval`; `p_value` allows for all pairs of all rates. A study like this one refuses four of
    five widenings of `caught_from`. `n_unlisted` are the smallest groups, which are not judged either.
    """

    grouping: str
    rate: str
    denominator: str
    real_only: Known
    mix: Known
    n_judged: int
    pair: tuple[str, str] | None
    widening: Known
    interval: Bounds | None
    p_value: Known
    caught_from: Known
    vetoes: bool
    groups: tuple[RateOfGroup, ...]
    n_unlisted: int = 0


class ShareOfGroup(Part):
    """A group among the real and among the synthetic training rows of a fold, and the labels in it.

    `label_rate` is the share of the positive class, or the mean target, and is None where too few rows tell.
    """

    group: str
    n_real: int
    n_synthetic: int
    real_share: Known
    synthetic_share: Known
    share_is_shifted: bool
    real_label_rate: Known
    synthetic_label_rate: Known
    label_rate_is_shifted: bool
    note: str


class SyntheticGroups(Part):
    """Whether the synthetic rows of the best mix shift the sizes of groups or the labels in them."""

    mix: str
    groups: tuple[ShareOfGroup, ...]
    unknown: tuple[str, ...]
    sentence: str


class Repair(Part):
    """An arm that makes groups more alike: the largest gaps that it leaves, and what it costs.

    `gain` is that over real only in the deciding metric, negative for a cost; `gaps` maps a rate to the
    largest gap of real only and of the repair.
    """

    name: str
    column: str
    in_words: str
    score: Known
    gain: Known
    interval: Bounds | None
    gaps: dict[str, Bounds]


class Fairness(Part):
    """What the models and the synthetic rows mean for the groups of sensitive columns.

    `limit` is the card's: by how much the mix may widen the gap of two groups, in `unit`; a rate needs
    `minimum` rows of its denominator to be judged.
    """

    limit: Number
    minimum: int
    unit: str
    mix: str | None
    gaps: tuple[Gap, ...]
    data: SyntheticGroups | None = None
    repairs: tuple[Repair, ...] = ()
    repairs_reason: str | None = None
    sentence: str


def assess_fairness(
    oof: OutOfFold,
    metric: MetricSpec,
    *,
    real_only: Arm,
    mix: Arm | None,
    sensitive: pd.DataFrame,
    classes: Sequence[str],
    limit: float,
    widening: float,
    seed: int,
) -> Fairness:
    """Compare the rates of real only and of a mix in every group, out of fold.

    Parameters
    ----------
    oof : OutOfFold
    metric : MetricSpec
        Whose threshold decides, where it tunes one.
    real_only, mix : Arm
        `mix` is None where no mix could be compared.
    sensitive : DataFrame of shape (n_rows, n_columns)
        Canonical sensitive columns of the development rows.
    classes : sequence of str
        Labels by code, the positive one last; empty for regression.
    limit : float
        By how much a mix may widen a gap.
    widening : float
        Nadeau-Bengio factor on standard errors.
    seed : int

    Returns
    -------
    Fairness

    References
    ----------
    Point values are those of fairlearn's MetricFrame, https://fairlearn.org
    """
    arms = [real_only] if mix is None else [real_only, mix]
    measured = measure_gaps(
        rates_of(oof, arms, metric, classes),
        groupings(sensitive.iloc[oof.rows].reset_index(drop=True)),
        weight=oof.row_weight[oof.rows],
        units=draw_units(oof),
        limit=limit,
        widening=widening,
        seed=seed,
    )
    unit = SHARE if classes else DEVIATION
    gaps = [_described(each) for each in measured]
    return Fairness.of(
        {
            "limit": limit,
            "minimum": MIN_ROWS,
            "unit": unit,
            "mix": mix and mix.name,
            "gaps": [gap.to_dict() for gap in gaps],
            "sentence": _sentence(gaps, mix is not None, unit),
        }
    )


def fairness_vetoes(found: Fairness | None) -> list[str]:
    """Describe each gap that the mix widens beyond the limit; none where there are no sensitive columns."""
    return (
        []
        if found is None
        else [
            f"The best mix widens the gap in {gap.rate} between '{gap.pair[0]}' and '{gap.pair[1]}' by "
            f"{in_unit(gap.widening, found.unit)} (90 % interval {interval_in_unit(gap.interval, found.unit)}); the card "
            f"allows {in_unit(found.limit, found.unit)}. The number of groups and rates is allowed for."
            for gap in found.gaps
            if gap.vetoes and gap.pair is not None
        ]
    )


def in_unit(value: float | None, unit: str) -> str:
    """Format a difference of rates: percentage points, or standard deviations, with a true minus.

    Examples
    --------
    >>> in_unit(0.051, SHARE), in_unit(-0.2, DEVIATION), in_unit(None, SHARE)
    ('5.1 points', '−0.20 SD', 'unknown')
    """
    if value is None:
        return "unknown"
    text = f"{100 * value:.1f} points" if unit == SHARE else f"{value:.2f} SD"
    return text.replace("-", "−")


def interval_in_unit(interval: Sequence[float | None] | None, unit: str) -> str:
    """Format an interval of :func:`in_unit`."""
    return "unknown" if interval is None else " to ".join(in_unit(bound, unit) for bound in interval)


def _described(measured: MeasuredGap) -> Gap:
    found, widest = measured.of_groups, measured.widening
    labels, n_arms = measured.grouping.labels, found.means.shape[1]
    sizes = measured.grouping.sizes()
    present = [int(group) for group in np.argsort(-sizes, kind="stable") if sizes[group]]
    listed = [group for place, group in enumerate(present) if place < MAX_GROUPS or found.is_judged[group]]
    gaps = [*measured.gaps, None][:2]
    details: dict[str, Any] = dict.fromkeys(("pair", "widening", "interval", "p_value", "caught_from"))
    if widest is not None:
        details = {
            "pair": tuple(labels[group] for group in widest.pair),
            "widening": widest.widening,
            "interval": widest.interval,
            "p_value": widest.p_value,
            "caught_from": widest.caught_from,
        }
    return Gap.of(
        {
            "grouping": measured.grouping.name,
            "rate": measured.rate.name,
            "denominator": measured.rate.denominator,
            "real_only": gaps[0],
            "mix": gaps[1],
            "n_judged": int(found.is_judged.sum()),
            **details,
            "vetoes": widest is not None and widest.vetoes,
            "groups": [_of_group(measured, group, n_arms) for group in listed],
            "n_unlisted": len(present) - len(listed),
        }
    )


def _of_group(measured: MeasuredGap, group: int, n_arms: int) -> dict[str, Any]:
    found = measured.of_groups
    n, means = int(found.n_rows[group]), found.means[group]
    with_mix = n_arms > 1
    is_judged = bool(found.is_judged[group])
    return {
        "group": measured.grouping.labels[group],
        "n": n,
        "real_only": means[0] if is_judged else None,
        "mix": means[1] if is_judged and with_mix else None,
        "difference": means[1] - means[0] if is_judged and with_mix else None,
        "interval": measured.intervals[group] if is_judged and with_mix else None,
        "note": "" if is_judged else f"not judged (n = {n:,})",
    }


def _power(tested: Sequence[Gap], unit: str) -> str:
    """Say which widening would have been found; one by more than all of a share cannot be."""
    easiest, hardest = (pick(tested, key=lambda gap: gap.caught_from or 0) for pick in (min, max))
    from_small = f"A widening of {in_unit(easiest.caught_from, unit)} ({easiest.rate} by {easiest.grouping})"
    found = "would have been found in four of five such studies; smaller ones may be there."
    if unit == SHARE and (hardest.caught_from or 0) >= 1:
        return f"{from_small} {found} Of {hardest.rate} by {hardest.grouping} none would: too few rows."
    largest = in_unit(hardest.caught_from, unit)
    if largest == in_unit(easiest.caught_from, unit):
        return f"{from_small} {found}"
    return f"{from_small} to {largest} ({hardest.rate} by {hardest.grouping}) {found}"


def _sentence(gaps: Sequence[Gap], has_mix: bool, unit: str) -> str:
    """Say what was found, what would have been found, and what was not judged."""
    tested = [gap for gap in gaps if gap.caught_from is not None]
    unjudged = {group.group for gap in gaps for group in gap.groups if group.note}
    parts = []
    if not has_mix:
        parts.append("No mix could be compared: the rates are those of real only.")
    elif not tested:
        parts.append(f"No two groups have the {MIN_ROWS} rows that a rate needs: no gap was judged.")
    elif wider := [gap for gap in tested if gap.vetoes]:
        named = joined([f"{gap.rate} by {gap.grouping}" for gap in wider])
        parts.append(f"The best mix widens a gap beyond the card's limit: {named}.")
    else:
        parts.append(
            f"The best mix was not found to widen any of {len(tested)} gaps beyond the card's limit. {_power(tested, unit)}"
        )
    if unjudged:
        parts.append(f"{len(unjudged)} groups are too small for some rate and are listed as not judged.")
    return " ".join(parts)

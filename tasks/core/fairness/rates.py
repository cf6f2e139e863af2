"""Rates per group, each a mean over the rows that its denominator counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.fairness.groups import Grouping
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.scores.out_of_fold import OutOfFold, served_threshold

# A rate of fewer people moves by five points when one of them is decided otherwise.
MIN_ROWS = 20


@dataclass(frozen=True)
class Rate:
    """A property of predictions whose mean is compared between groups.

    Attributes
    ----------
    name : str
    values : ndarray of shape (n_validated, n_arms)
        Of each row, averaged over repeats.
    is_counted : ndarray of bool, shape (n_validated,)
        Rows of the denominator: those of the class for a true positive rate.
    denominator : str
        The same in words.
    """

    name: str
    values: np.ndarray
    is_counted: np.ndarray
    denominator: str


@dataclass(frozen=True)
class GroupMeans:
    """A rate of every group.

    Attributes
    ----------
    n_rows : ndarray of int, shape (n_groups,)
        Rows of the denominator.
    means : ndarray of shape (n_groups, n_arms)
        NaN for a group without any.
    is_judged : ndarray of bool, shape (n_groups,)
        Groups of at least `MIN_ROWS` units.
    """

    n_rows: np.ndarray
    means: np.ndarray
    is_judged: np.ndarray


def rates_of(oof: OutOfFold, arms: Sequence[Arm], metric: MetricSpec, classes: Sequence[str]) -> list[Rate]:
    """Compute the rates of arms on every validated row.

    Parameters
    ----------
    oof : OutOfFold
    arms : sequence of Arm
    metric : MetricSpec
        Whose threshold, where it tunes one, decides as the served model does; else the most probable class.
    classes : sequence of str
        Labels by code, the positive one last; empty for regression.

    Returns
    -------
    list of Rate
        Selection rate (share decided positive), true and false positive rate, calibration (mean probability
        minus share of positives) for the positive class, or for each of several; then the error (share of
        wrong decisions). For regression calibration (prediction minus truth) and absolute error, both in
        standard deviations of the target.
    """
    places = [oof.arms.index(arm) for arm in arms]
    y, every = oof.y[oof.rows], np.ones(len(oof.rows), dtype=bool)
    if not classes:
        scale = float(np.std(y)) or 1.0
        missed = [(oof.predictions[place] - oof.y) / scale for place in places]
        return [
            Rate("calibration", _by_row(oof, missed), every, "rows"),
            Rate("error", _by_row(oof, [np.abs(each) for each in missed]), every, "rows"),
        ]
    decided = [_decisions(oof, arm, place, metric) for arm, place in zip(arms, places, strict=True)]
    codes = range(len(classes)) if len(classes) > 2 else [1]
    found: list[Rate] = []
    for code in codes:
        of_class = f" of '{classes[code]}'" if len(classes) > 2 else ""
        is_class = y == code
        chosen = _by_row(oof, [each == code for each in decided])
        surplus = _by_row(oof, [oof.predictions[place, ..., code] - (oof.y == code) for place in places])
        found += [
            Rate(f"selection rate{of_class}", chosen, every, "rows"),
            Rate(f"true positive rate{of_class}", chosen, is_class, f"rows of class '{classes[code]}'"),
            Rate(f"false positive rate{of_class}", chosen, ~is_class, f"rows not of class '{classes[code]}'"),
            Rate(f"calibration{of_class}", surplus, every, "rows"),
        ]
    return [*found, Rate("error", _by_row(oof, [each != oof.y for each in decided]), every, "rows")]


def group_means(rate: Rate, grouping: Grouping, weight: np.ndarray, units: np.ndarray) -> GroupMeans:
    """Average a rate over each group.

    Parameters
    ----------
    rate : Rate
    grouping : Grouping
        Of the validated rows.
    weight, units : ndarray of shape (n_validated,)
        Weight of each row, and what is drawn together with it.
    """
    n_groups = len(grouping.labels)
    rows = np.flatnonzero(rate.is_counted & (grouping.codes >= 0) & (weight > 0))
    codes = grouping.codes[rows]
    total = np.bincount(codes, weights=weight[rows], minlength=n_groups)
    means = np.full((n_groups, rate.values.shape[1]), np.nan)
    for arm, values in enumerate(rate.values[rows].T):
        summed = np.bincount(codes, weights=weight[rows] * values, minlength=n_groups)
        np.divide(summed, total, out=means[:, arm], where=total > 0)
    distinct = np.unique(np.column_stack([codes, np.unique(units, return_inverse=True)[1][rows]]), axis=0)
    n_units = np.bincount(distinct[:, 0], minlength=n_groups)
    return GroupMeans(np.bincount(codes, minlength=n_groups), means, n_units >= MIN_ROWS)


def _decisions(oof: OutOfFold, arm: Arm, place: int, metric: MetricSpec) -> np.ndarray:
    """Return the class decided for each row in each repeat, shape (n_repeats, n_rows)."""
    threshold = served_threshold(oof, metric, arm)
    predicted = oof.predictions[place]
    if threshold is not None:
        return (predicted[..., 1] >= threshold).astype(int)
    return np.where(np.isnan(predicted[..., 0]), -1, np.nan_to_num(predicted, nan=-1.0).argmax(axis=-1))


def _by_row(oof: OutOfFold, of_arms: Sequence[np.ndarray]) -> np.ndarray:
    """Average values of shape (n_repeats, n_rows) over the repeats that validated a row: (n_validated, n_arms)."""
    weight = oof.is_validated.astype(float)[:, oof.rows]
    return np.column_stack(
        [
            np.average(np.nan_to_num(each[:, oof.rows].astype(float)), axis=0, weights=weight)
            for each in of_arms
        ]
    )

"""Drift of one column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.column_drift import (
    index_by_chance,
    learn_bins,
    population_stability_index,
    shift_p_value,
    unit_factor,
)
from realmix.tasks.core.table.columns import Column

NUMBER = Column("balance", "numeric", "float")
JOB = Column("job", "categorical", "string")


def test_a_number_equal_to_an_edge_lies_in_the_bin_below_it_wherever_ties_are_many():
    mostly_one_value = pd.Series([-1.0] * 80 + list(np.arange(20.0)))
    bins = learn_bins(mostly_one_value, NUMBER)
    counts = bins.counts(mostly_one_value)
    assert counts.sum() == 100 and counts[0] == 0 and counts[1] == 80


def test_missing_rare_and_unseen_levels_have_bins_of_their_own():
    reference = pd.Series([f"job-{i:02d}" for i in range(25) for _ in range(30 - i)] + [None])
    bins = learn_bins(reference, JOB)
    codes = bins.codes(pd.Series(["job-00", "job-24", "pilot", None], dtype=object))
    assert codes.tolist() == [1, 21, 22, 0] and bins.n_bins == 23


def test_the_index_is_symmetric_finite_and_zero_for_equal_shares():
    before, after = np.array([50, 30, 20, 0]), np.array([5, 3, 2, 0])
    assert population_stability_index(before, before) == 0
    assert population_stability_index(before, after) < 0.02
    new_level = np.array([40, 30, 20, 10])
    there, back = (population_stability_index(*pair) for pair in ((before, new_level), (new_level, before)))
    assert there == pytest.approx(back) and 0.2 < there < 0.6


@pytest.mark.parametrize(("n_reference", "n_new"), [(2000, 30), (500, 500), (300, 100)])
def test_few_rows_exceed_the_index_of_chance_as_seldom_as_asked(n_reference: int, n_new: int):
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    pairs = zip(*(rng.multinomial(n, shares, 4000) for n in (n_reference, n_new)), strict=True)
    exceeded = [population_stability_index(*pair) > index_by_chance(*pair, 0.01) for pair in pairs]
    assert np.mean(exceeded) < 0.016


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: pd.Series(rng.normal(size=n)),
        lambda rng, n: pd.Series(rng.poisson(1.0, n).astype(float)).replace(0, np.nan),
        lambda rng, n: pd.Series(
            rng.choice(list("abcdefghijkl"), n, p=np.array([2.0**-i for i in range(11)] + [2.0**-10]) / 2),
            dtype=object,
        ),
    ],
)
def test_p_values_of_one_source_are_not_too_small(draw):
    rng = np.random.default_rng(0)
    probe = draw(rng, 5)
    column = JOB if probe.dtype == object else NUMBER
    p_values = [shift_p_value(draw(rng, 400), draw(rng, 60), column) for _ in range(1000)]
    assert np.mean(np.array(p_values) < 0.01) < 0.02


def test_missing_values_are_a_shift_too():
    rng = np.random.default_rng(0)
    before, after = pd.Series(rng.normal(size=500)), pd.Series(rng.normal(size=200))
    after[:60] = np.nan
    assert shift_p_value(before, after, NUMBER) < 1e-6
    jobs = pd.Series(rng.choice(["cook", "nurse"], 500), dtype=object)
    assert shift_p_value(jobs, jobs.where(np.arange(500) > 60, None), JOB) < 1e-6


def test_a_column_of_one_value_has_not_shifted():
    same = pd.Series([3.0] * 50)
    assert shift_p_value(same, same, NUMBER) == 1
    assert shift_p_value(same.astype(str), same.astype(str), JOB) == 1
    assert unit_factor(same * 0, same * 0) is None


@pytest.mark.parametrize("factor", [100, 1000, 0.001, 2.2])
def test_another_unit_is_reported_with_its_factor(factor: float):
    rng = np.random.default_rng(0)
    amounts = pd.Series(np.round(rng.lognormal(3, 1, 2000), 2)) * rng.choice([-1, 1], 2000)
    found = unit_factor(amounts[:1000], amounts[1000:] * factor)
    assert found == pytest.approx(factor, rel=0.12)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t + 300,
        lambda t: t * 1.4,
        lambda t: -100 * t,
        lambda t: t.where(t.index % 2 == 0, 100 * t),
        lambda t: t * np.nan,
    ],
)
def test_a_shift_that_is_no_unit_is_not_taken_for_one(change):
    heights = pd.Series(np.random.default_rng(0).normal(170, 10, 1000))
    assert unit_factor(heights, change(heights)) is None

"""Corrected tests and sample sizes against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.scores.significance import (
    corrected_resampled_t,
    critical_value,
    holm,
    max_deviations,
    max_statistic_p,
    rows_to_prove,
    smallest_provable_gain,
    variance_factor,
    widening_factor,
)


def test_the_corrected_t_is_the_value_worked_out_by_hand():
    # mean 3, variance 2.5, factor 1/5 + 1/4 = 0.45: t = 3 / sqrt(1.125) = 2.8284, df = 4.
    test = corrected_resampled_t(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), n_validation=20, n_train=80)
    assert test.t == pytest.approx(math.sqrt(8))
    assert test.df == 4
    # Two-sided p of t = 2.8284 at 4 degrees of freedom.
    assert test.p_value == pytest.approx(0.04742, abs=1e-5)


def test_without_overlap_of_training_sets_it_is_the_ordinary_paired_t_test():
    differences = np.array([0.3, -0.1, 0.4, 0.2, 0.6, 0.1])
    ordinary = stats.ttest_1samp(differences, 0.0)
    test = corrected_resampled_t(differences, n_validation=1, n_train=1e15)
    assert test.t == pytest.approx(ordinary.statistic)
    assert test.p_value == pytest.approx(ordinary.pvalue)


def test_a_loss_is_never_significant():
    assert corrected_resampled_t(np.array([-5.0, -5.1, -4.9]), n_validation=1, n_train=4).p_value == 1.0


def test_equal_arms_have_no_significance_and_no_warning():
    test = corrected_resampled_t(np.zeros(5), n_validation=1, n_train=4)
    assert (test.t, test.p_value, test.interval) == (0.0, 1.0, (0.0, 0.0))


def test_one_fold_is_refused():
    with pytest.raises(BadInput, match="at least 2"):
        corrected_resampled_t(np.array([0.1]), n_validation=1, n_train=4)


def test_holm_adjusts_as_in_the_textbook():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(a >= p and a <= 1 for a, p in zip(adjusted, p_values, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)


def test_the_best_of_many_equal_arms_is_no_surprise():
    rng = np.random.default_rng(0)
    gains = np.linspace(-2, 2, 50) / 100
    drawn = gains + rng.normal(scale=0.01, size=(2000, 50))
    alone, among_fifty = (max_deviations(drawn[:, tried], gains[tried]) for tried in ([49], slice(None)))
    # 1 - (1 - sf(2)) ** 50 = 0.684, against sf(2) = 0.023 for one arm.
    assert max_statistic_p(alone, 0.02, 0.01) == pytest.approx(stats.norm.sf(2), abs=0.015)
    assert max_statistic_p(among_fifty, 0.02, 0.01) == pytest.approx(1 - stats.norm.cdf(2) ** 50, abs=0.06)


def test_an_arm_that_never_differs_cannot_be_significant():
    deviations = max_deviations(np.zeros((100, 2)), np.zeros(2))
    assert max_statistic_p(deviations, 0.0, 0.0) == 1.0
    assert max_statistic_p(deviations, 0.1, 0.0) == 1.0


def test_the_critical_value_is_where_the_test_turns():
    deviations = np.random.default_rng(0).normal(size=2000)
    critical = critical_value(deviations)
    assert critical == pytest.approx(stats.norm.ppf(0.95), abs=0.1)
    assert max_statistic_p(deviations, 1.01 * critical, 1.0) <= 0.05
    assert max_statistic_p(deviations, 0.95 * critical, 1.0) > 0.05


def test_a_gain_at_the_smallest_provable_size_is_found_in_four_of_five_studies():
    """The one of fifty arms that has the gain is tested against the luckiest of all, Holm or not."""
    rng = np.random.default_rng(1)
    critical = critical_value(max_deviations(rng.normal(size=(4000, 50)), np.zeros(50)))
    gain = smallest_provable_gain(1.0, margin=0.005, critical=critical)
    assert critical > 3
    assert np.mean(rng.normal(gain, 1.0, 4000) >= critical) == pytest.approx(0.80, abs=0.02)


def test_no_gain_below_the_margin_is_provable():
    assert smallest_provable_gain(0.0001, margin=0.005) == 0.005


def test_half_the_gain_needs_four_times_the_rows():
    assert rows_to_prove(0.01, provable=0.02, n_rows=500) == 2000
    assert rows_to_prove(0.04, provable=0.02, n_rows=500) == 500
    assert rows_to_prove(-0.01, provable=0.02, n_rows=500) is None


def test_the_widening_is_the_ratio_of_corrected_to_row_variance():
    assert variance_factor(5, n_validation=20, n_train=80) == pytest.approx(0.45)
    assert widening_factor(5, n_validation=20, n_train=80, n_rows=100) == pytest.approx(1.5)

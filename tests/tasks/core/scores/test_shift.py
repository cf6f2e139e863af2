"""Shifted samples, and their description."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.scores.shift import (
    describe_ends,
    describe_stretches,
    end_slices,
    main_direction,
    slope,
    stretch_slices,
    worsening,
)
from realmix.tasks.core.scores.slices import PairedLosses, slice_gains
from realmix.tasks.metrics import METRICS


def along_one_direction(n_rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose numbers follow one hidden quantity, and that quantity."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=n_rows)
    numbers = hidden[:, None] * [1.0, 100.0, 3.0] + 0.3 * rng.normal(size=(n_rows, 3)) * [1.0, 100.0, 3.0]
    return np.column_stack([numbers, rng.normal(size=(n_rows, 2)), np.ones(n_rows)]), hidden


def losses(metric, of_real_only: np.ndarray, of_mix: np.ndarray) -> PairedLosses:
    rows = np.arange(len(of_mix))
    return PairedLosses(metric, rows, np.column_stack([of_real_only, of_mix]), rows, np.ones(len(rows)))


def test_the_main_direction_finds_what_the_columns_share():
    encoded, hidden = along_one_direction()
    assert np.corrcoef(main_direction(encoded), hidden)[0, 1] > 0.95


def test_the_unit_of_a_column_does_not_matter():
    encoded, _ = along_one_direction()
    np.testing.assert_allclose(main_direction(encoded), main_direction(encoded * [1, 7, 0.01, 3, 1, 5]))


def test_the_shifted_samples_are_the_tails():
    encoded, hidden = along_one_direction()
    low, middle, high = end_slices(main_direction(encoded))
    assert [int(s.rows.sum()) for s in (low, middle, high)] == [100, 200, 100]
    assert hidden[low.rows].mean() < -1 and hidden[high.rows].mean() > 1
    assert abs(hidden[middle.rows]).max() < abs(hidden).max() / 2
    assert (low.rows ^ middle.rows ^ high.rows).all()


def test_rows_that_are_all_alike_have_no_ends():
    assert end_slices(main_direction(np.ones((40, 3)))) == []
    assert describe_ends((), METRICS["rmse"]) is None


def test_each_end_is_held_against_the_middle(squared_error):
    position = np.arange(400.0)
    real_only, mix = np.ones(400), np.full(400, 0.9)
    real_only[300:], mix[300:] = 1.12, 0.9 * 1.09
    found = slice_gains(losses(squared_error, real_only, mix), end_slices(position), widening=1.0, seed=0)
    shift = describe_ends(found, squared_error)
    low, high = shift["samples"]
    assert (low["real_only_worsens"], low["mix_worsens"]) == pytest.approx((0, 0))
    assert (high["real_only_worsens"], high["mix_worsens"]) == pytest.approx((0.12, 0.09))
    assert shift["gain"] == low["gain"] == pytest.approx(0.1)
    assert high["gain"] == pytest.approx(1 - 0.981 / 1.12)


def test_the_sentence_is_about_the_end_where_the_mix_does_worse(squared_error):
    mix = np.full(400, 0.9)
    mix[:100] = 1.08
    real_only = np.ones(400)
    real_only[:100] = 1.12
    found = slice_gains(
        losses(squared_error, real_only, mix), end_slices(np.arange(400.0)), widening=1.0, seed=0
    )
    sentence = describe_ends(found, squared_error)["sentence"]
    assert "100 rows at the low end" in sentence
    assert "of real only is 12 % worse than in the middle half, of the mix 20 % worse" in sentence
    assert "gains 3.6 %" in sentence


def test_a_score_that_rises_is_better_where_greater_is_better():
    assert worsening(METRICS["accuracy"], 0.72, 0.80) == pytest.approx(0.1)
    assert worsening(METRICS["accuracy"], 0.88, 0.80) == pytest.approx(-0.1)


def test_forward_in_time_the_latest_stretch_and_the_trend_are_reported(squared_error):
    folds = np.repeat([-1, 0, 1, 2, 3], 80)
    of_mix = 1 - 0.02 * np.maximum(folds, 0) * np.random.default_rng(0).normal(1, 0.05, 400)
    slices = stretch_slices(folds)
    assert [int(s.rows.sum()) for s in slices] == [80] * 4
    shift = describe_stretches(
        slice_gains(losses(squared_error, np.ones(400), of_mix), slices, widening=1.0, seed=0), squared_error
    )
    assert shift["gain"] == pytest.approx(0.06, abs=0.003)
    assert shift["trend"] == pytest.approx(0.02, abs=0.001)
    assert shift["trend_interval"][0] > 0
    assert shift["sentence"].startswith("On the latest 80 rows the mix gains")


def test_two_stretches_have_a_trend_without_an_interval_and_one_has_none(squared_error):
    paired = losses(squared_error, np.ones(100), np.full(100, 0.9))
    two = slice_gains(paired, stretch_slices(np.repeat([0, 1], 50)), widening=1.0, seed=0)
    described = describe_stretches(two, squared_error)
    assert described["trend"] == pytest.approx(0) and described["trend_interval"] is None
    assert describe_stretches(two[:1], squared_error) is None


def test_the_slope_of_noise_has_an_interval_around_zero():
    _, (low, high) = slope([0.01, -0.02, 0.015, -0.01, 0.0])
    assert low < 0 < high

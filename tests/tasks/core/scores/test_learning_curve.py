"""Curves with a known answer, and tables of them: the interval holds the truth as often as it says."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.scores.learning_curve import (
    DELAYS,
    EXPONENT_PRIOR,
    FALL_POWER,
    FALL_STD,
    TYPICAL_FALL,
    TYPICAL_ROWS,
    fit_power_law,
)
from realmix.tasks.metrics import METRICS

N_ROWS = 640 * np.array([0.25, 2**-1.5, 0.5, 2**-0.5, 1])
LOG_LOSS, ROC_AUC = METRICS["log_loss"], METRICS["roc_auc"]
DOUBLED = (0.1, 0.5, 0.9)


def loss(n, floor=0.2, scale=3.0, power=0.6):
    return floor + scale * np.asarray(n) ** -power


def measured(mean, *, n_folds=10, noise=0.003, shared=0.05, seed=0):
    """Scores that differ much between folds, alike at every size, and little beside."""
    rng = np.random.default_rng(seed)
    return mean[:, None] + shared * rng.normal(size=n_folds) + noise * rng.normal(size=(len(mean), n_folds))


def interval(scores, metric=LOG_LOSS, n_from=640, n_to=1280):
    law = fit_power_law(N_ROWS, scores, metric, n_fitted=640, overlap=0.0)
    return law.quantiles(law.gain(n_from, n_to), DOUBLED)


def test_a_known_curve_is_continued_to_twice_its_rows():
    truth = 1 - loss(1280) / loss(640)
    low, median, high = interval(measured(loss(N_ROWS)))
    assert low < truth < high and median == pytest.approx(truth, abs=0.015)


def test_the_unit_of_the_target_plays_no_part():
    scores = measured(loss(N_ROWS))
    np.testing.assert_allclose(
        interval(scores, METRICS["rmse"]), interval(1000 * scores, METRICS["rmse"]), rtol=1e-9
    )


def test_a_score_to_raise_is_continued_as_its_distance_from_the_best():
    errors = measured(loss(N_ROWS))
    low, median, high = interval(1 - errors, ROC_AUC)
    law = fit_power_law(N_ROWS, errors, LOG_LOSS, n_fitted=640, overlap=0.0)
    fall = law.scores(640) - law.scores(1280)
    np.testing.assert_allclose([low, median, high], law.quantiles(fall, DOUBLED))
    raised = fit_power_law(N_ROWS, 1 - errors, ROC_AUC, n_fitted=640, overlap=0.0)
    np.testing.assert_allclose(raised.scores(2000), 1 - law.scores(2000))


def test_more_rows_are_never_worth_less():
    law = fit_power_law(N_ROWS, measured(loss(N_ROWS), noise=0.05), LOG_LOSS, n_fitted=640, overlap=0.25)
    quantiles = [law.quantiles(law.gain(640, 640 + more), DOUBLED) for more in (10, 100, 1000)]
    assert (np.diff(quantiles, axis=0) >= 0).all() and min(quantiles[0]) >= 0


def test_noise_and_overlap_widen_the_interval():
    def width(noise, overlap):
        scores = measured(loss(N_ROWS), noise=noise)
        law = fit_power_law(N_ROWS, scores, LOG_LOSS, n_fitted=640, overlap=overlap)
        low, _, high = law.quantiles(law.gain(640, 1280), DOUBLED)
        return high - low

    assert width(0.002, 0.0) < width(0.002, 0.5) < width(0.03, 0.5)


def test_farther_beyond_the_measured_rows_less_is_known():
    law = fit_power_law(N_ROWS, measured(loss(N_ROWS)), LOG_LOSS, n_fitted=640, overlap=0.25)
    widths = [np.ptp(law.quantiles(law.scores(n), (0.1, 0.9))) for n in (640, 1280, 2560)]
    assert widths == sorted(widths)
    assert not law.is_guess(2560) and law.is_guess(2561)


def test_a_flat_curve_promises_little():
    law = fit_power_law(N_ROWS, measured(np.full(5, 0.4), noise=0.001), LOG_LOSS, n_fitted=640, overlap=0.25)
    gain = law.gain(640, 1280)
    assert law.quantiles(gain, (0.9,))[0] < 0.02
    assert law.chance_below(gain, 0.01) > 0.6
    assert law.chance_below(gain, 0.0) == 0 and law.chance_below(gain, 2.0) == pytest.approx(1)


def drawn_curve(rng):
    """Draw a curve as the prior expects them, with its gain by twice the rows."""
    while True:
        power = np.clip(math.exp(rng.normal(*EXPONENT_PRIOR)), 0.05, 2.5)
        fall = TYPICAL_FALL * (640 / TYPICAL_ROWS) ** FALL_POWER * math.exp(FALL_STD * rng.normal())
        delay = rng.choice(DELAYS)
        share = fall / (1 - ((2 + delay) / (1 + delay)) ** -power)
        if share < 1:
            break

    def curve(n):
        return 1 - share + share * ((np.asarray(n) / 640 + delay) / (1 + delay)) ** -power

    return curve(N_ROWS), 1 - curve(1280)


@pytest.mark.parametrize("n_folds", [5, 10])
@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_the_80_per_cent_interval_holds_the_truth_as_often_or_a_little_more(n_folds, noise):
    """200 simulated tables: 0.83 to 0.86; few folds and the smallest noise are allowed for generously."""
    rng, hits = np.random.default_rng(n_folds), 0
    for seed in range(200):
        mean, truth = drawn_curve(rng)
        low, _, high = interval(measured(mean, n_folds=n_folds, noise=noise, seed=seed))
        hits += low <= truth <= high
    assert binomtest(hits, 200).proportion_ci(method="wilson").high >= 0.8
    assert hits / 200 <= 0.92


def test_a_metric_without_a_best_value_is_refused():
    endless = dataclasses.replace(LOG_LOSS, name="profit", bounds=(-math.inf, math.inf))
    with pytest.raises(BadInput, match="profit has no best possible value"):
        fit_power_law(N_ROWS, measured(loss(N_ROWS)), endless, n_fitted=640, overlap=0.0)


def test_perfect_scores_leave_nothing_to_gain():
    with pytest.raises(BadInput, match="perfect"):
        fit_power_law(N_ROWS, np.zeros((5, 4)), LOG_LOSS, n_fitted=640, overlap=0.0)

"""Priors: lines in log rows, the normal posterior, and what folds can be expected to prove."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from realmix.tasks.core.plan.priors import (
    ABSOLUTE_SCALE,
    PRIORS_FILE,
    DeviationLine,
    FoldSizes,
    GainLine,
    Prior,
    Priors,
    committed_priors,
    expected_provable_gain,
    write_priors,
)
from realmix.tasks.core.splits.folds import make_time_folds, training_rows

PRIORS = Priors(
    learners={"linear": GainLine(0.10, -0.01, 0.05, 0.03)},
    fold_deviation={
        "classification": DeviationLine(math.log(0.4), -0.5),
        "regression": DeviationLine(math.log(0.8), -0.5),
    },
    n_rows_range=(200, 1000),
    fitted_on=("one", "two"),
    command="make priors",
)


def test_the_mean_is_a_line_in_the_log_of_the_rows_and_the_share_explained():
    assert PRIORS.gain_of("linear", 200, 0.4).mean == pytest.approx(0.10 - 0.01 * math.log(200) + 0.02)
    halved = PRIORS.gain_of("linear", 300, 0.4).mean - PRIORS.gain_of("linear", 600, 0.4).mean
    assert halved == pytest.approx(0.01 * math.log(2))
    assert PRIORS.gain_of("linear", 300, 0.4).sd == 0.03


@pytest.mark.parametrize(("n_rows", "counted"), [(50, 200), (10, 200), (5_000, 1_000), (10**6, 1_000)])
def test_no_gain_is_extrapolated_beyond_the_sizes_seen(n_rows, counted):
    assert PRIORS.gain_of("linear", n_rows, 0.4) == PRIORS.gain_of("linear", counted, 0.4)


@pytest.mark.parametrize(("explained", "counted"), [(-3.0, 0.0), (1.5, 1.0)])
def test_no_gain_is_extrapolated_to_features_that_mislead(explained, counted):
    assert PRIORS.gain_of("linear", 500, explained) == PRIORS.gain_of("linear", 500, counted)


def test_nothing_is_expected_of_a_learner_that_was_not_seen():
    assert PRIORS.gain_of("another", 500, 0.4) == Prior(0.0, 0.02)


def test_the_posterior_weighs_prior_and_measurement_by_their_precision():
    # Precisions 1 / 0.01^2 = 10,000 and 1 / 0.02^2 = 2,500: one fifth of the measurement.
    posterior = Prior(0.01, 0.01).posterior(0.06, 0.02)
    assert posterior.mean == pytest.approx(0.8 * 0.01 + 0.2 * 0.06)
    assert posterior.sd == pytest.approx(1 / math.sqrt(12_500))


def test_gains_in_points_are_expected_to_be_smaller():
    scaled = Prior(0.01, 0.02).scaled(is_relative=False)
    assert (scaled.mean, scaled.sd) == pytest.approx((0.01 * ABSOLUTE_SCALE, 0.02 * ABSOLUTE_SCALE))
    assert Prior(0.01, 0.02).scaled(is_relative=True) == Prior(0.01, 0.02)


def test_noise_falls_with_the_rows_and_with_larger_folds():
    five = PRIORS.fold_std("binary", FoldSizes(400, 5, 1))
    assert five == pytest.approx(0.4 / 20)
    assert PRIORS.fold_std("multiclass", FoldSizes(1600, 5, 1)) == pytest.approx(five / 2)
    assert PRIORS.fold_std("regression", FoldSizes(400, 5, 1)) == pytest.approx(2 * five)
    # Twenty folds hold a quarter of the rows each: twice the noise.
    assert PRIORS.fold_std("binary", FoldSizes(400, 20, 1)) == pytest.approx(2 * five)


def test_sizes_of_folds_forward_in_time_are_those_that_are_dealt():
    folds = make_time_folds(np.arange(600), n_folds=5)
    sizes = FoldSizes(600, 5, 1, forward=True)
    assert sizes.n_validation == np.mean([(folds[0] == fold).sum() for fold in range(5)])
    trained = [len(training_rows(folds, 0, fold, forward=True)) for fold in range(5)]
    assert sizes.n_train == np.mean(trained)


def test_what_can_be_proven_is_worked_out_by_hand():
    # Critical value 2.4 and z_.80 = 0.8416.
    by_hand = (2.4 + 0.8416) * 0.02 * math.sqrt(1 / 15 + 80 / 320)
    sizes = FoldSizes(400, 5, 3)
    expected = {"margin": 0.005, "priors": PRIORS}
    assert expected_provable_gain("binary", sizes, is_relative=True, **expected) == pytest.approx(by_hand)
    points = expected_provable_gain("binary", sizes, is_relative=False, **expected)
    assert points == pytest.approx(by_hand * ABSOLUTE_SCALE)


def test_priors_are_read_as_they_were_written(tmp_path):
    write_priors(PRIORS, tmp_path / "priors.json")
    data = json.loads((tmp_path / "priors.json").read_text())
    assert Priors.from_dict(data) == PRIORS


def test_the_committed_file_says_what_it_was_made_with():
    committed = committed_priors()
    assert json.loads(PRIORS_FILE.read_text()) == committed.to_dict()
    assert committed.fitted_on
    assert committed.command
    for task in ("binary", "multiclass", "regression"):
        few, many = (committed.fold_std(task, FoldSizes(n, 5, 3)) for n in (200, 2000))
        assert 0 < many < few < 0.5
    for learner in ("xgboost", "decision-tree", "scorecard", "linear"):
        assert committed.gain_of(learner, 500, 0.3).sd > 0

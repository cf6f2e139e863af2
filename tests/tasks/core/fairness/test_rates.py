"""Rates of groups equal fairlearn's, each with the denominator of its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

from realmix.tasks.core.fairness.gaps import measure_gaps
from realmix.tasks.core.fairness.groups import groupings
from realmix.tasks.core.fairness.rates import MIN_ROWS, group_means, rates_of
from realmix.tasks.metrics import METRICS
from tests.tasks.core.fairness.made import LOG_LOSS, MIX, REAL_ONLY, decided, people


def error_rate(truth, predicted, sample_weight=None):
    return np.average(truth != predicted, weights=sample_weight)


FAIRLEARN = {
    "selection rate": selection_rate,
    "true positive rate": true_positive_rate,
    "false positive rate": false_positive_rate,
    "error": error_rate,
}


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("n_repeats", [1, 3])
def test_every_rate_and_gap_is_fairlearns(is_weighted, n_repeats):
    rng = np.random.default_rng(1)
    sensitive = people(rng, 900, sex=[0.5, 0.5], region=[0.6, 0.3, 0.1])
    oof = decided(2, sensitive, gap=0.1, widening=0.1, n_repeats=n_repeats)
    weight = rng.uniform(0.5, 2.0, 900) if is_weighted else np.ones(900)
    rates = {each.name: each for each in rates_of(oof, (REAL_ONLY, MIX), LOG_LOSS, ("no", "yes"))}
    truth, stacked_weight = np.tile(oof.y, n_repeats), np.tile(weight, n_repeats)
    for grouping in groupings(sensitive):
        codes = np.tile(grouping.codes, n_repeats)
        gaps = measure_gaps(
            [rates[name] for name in FAIRLEARN], [grouping], weight=weight, units=np.arange(900), limit=0.05,
            widening=1.0, seed=0,
        )  # fmt: skip
        for arm in (0, 1):
            labels = oof.predictions[arm].argmax(axis=-1).ravel()
            with_weight = {name: {"sample_weight": stacked_weight} for name in FAIRLEARN}
            frame = MetricFrame(
                metrics=FAIRLEARN,
                y_true=truth,
                y_pred=labels,
                sensitive_features=codes,
                sample_params=with_weight,
            )
            for name, gap in zip(FAIRLEARN, gaps, strict=True):
                own = group_means(rates[name], grouping, weight, np.arange(900))
                np.testing.assert_allclose(own.means[:, arm], frame.by_group[name], rtol=1e-12)
                assert gap.gaps[arm] == pytest.approx(frame.difference()[name], rel=1e-12)


def test_calibration_is_the_mean_probability_minus_the_share_of_positives():
    sensitive = people(np.random.default_rng(1), 400, sex=[0.5, 0.5])
    oof = decided(2, sensitive)
    (calibration,) = [
        r for r in rates_of(oof, (REAL_ONLY,), LOG_LOSS, ("no", "yes")) if r.name == "calibration"
    ]
    frame = MetricFrame(
        metrics=lambda y, p: np.mean(p) - np.mean(y), y_true=oof.y, y_pred=oof.predictions[0, 0, :, 1],
        sensitive_features=sensitive["sex"],
    )  # fmt: skip
    grouping = groupings(sensitive)[0]
    means = group_means(calibration, grouping, np.ones(400), np.arange(400)).means[:, 0]
    np.testing.assert_allclose(sorted(means), sorted(frame.by_group), rtol=1e-12)


def test_the_denominator_of_a_true_positive_rate_is_the_positives_alone():
    sensitive = people(np.random.default_rng(1), 300, sex=[0.9, 0.1])
    oof = decided(2, sensitive)
    rates = {r.name: r for r in rates_of(oof, (REAL_ONLY, MIX), LOG_LOSS, ("no", "yes"))}
    grouping = groupings(sensitive)[0]
    found = {name: group_means(r, grouping, np.ones(300), np.arange(300)) for name, r in rates.items()}
    of_positives = np.bincount(grouping.codes[oof.y == 1], minlength=2)
    assert found["true positive rate"].n_rows.tolist() == of_positives.tolist()
    assert (found["true positive rate"].n_rows + found["false positive rate"].n_rows).tolist() == (
        grouping.sizes().tolist()
    )
    assert found["selection rate"].is_judged.tolist() == [True, True]
    assert of_positives[1] < MIN_ROWS and found["true positive rate"].is_judged.tolist() == [True, False]


def test_decisions_are_made_with_the_threshold_that_is_served():
    sensitive = people(np.random.default_rng(1), 500, sex=[0.5, 0.5])
    oof = decided(2, sensitive, base=0.1)
    by_label, tuned = (
        rates_of(oof, (REAL_ONLY,), metric, ("no", "yes"))[0] for metric in (LOG_LOSS, METRICS["f1"])
    )
    assert tuned.values.mean() > by_label.values.mean(), (
        "F1 asks for more positives than a probability of one half"
    )


def test_each_of_several_classes_has_rates_of_its_own():
    sensitive = people(np.random.default_rng(1), 300, sex=[0.5, 0.5])
    oof = decided(2, sensitive)
    three = np.concatenate([oof.predictions * 0.8, np.full((*oof.predictions.shape[:3], 1), 0.2)], axis=-1)
    rates = rates_of(dataclasses.replace(oof, predictions=three), (REAL_ONLY,), LOG_LOSS, ("a", "b", "c"))
    assert len(rates) == 3 * 4 + 1
    selected = [r.values for r in rates if r.name.startswith("selection rate")]
    np.testing.assert_allclose(np.sum(selected, axis=0), 1.0)


def test_rates_of_regression_are_in_standard_deviations_of_the_target():
    sensitive = people(np.random.default_rng(1), 300, sex=[0.5, 0.5])
    oof = decided(2, sensitive)
    truth = 100.0 * np.random.default_rng(3).normal(size=300)
    oof = dataclasses.replace(oof, y=truth, predictions=np.broadcast_to(truth + 50.0, (2, 1, 300)).copy())
    calibration, error = rates_of(oof, (REAL_ONLY,), METRICS["rmse"], ())
    assert calibration.values.mean() == pytest.approx(50.0 / truth.std())
    assert error.values.mean() == pytest.approx(50.0 / truth.std())

"""How what ships is described by its out-of-fold predictions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.scores.served_predictions import calibration_bins, describe_predictions

ARM = Arm(Mix(), "linear")


def oof_of(y, predicted, **more):
    folds = np.zeros((1, len(y)), dtype=int)
    return OutOfFold((ARM,), np.asarray(y), folds, np.asarray(predicted)[None, None], 10.0, **more)


def two_classes(n=200, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    return (rng.random(n) < p).astype(int), np.column_stack([1 - p, p])


def test_true_probabilities_lie_within_their_intervals_and_all_rows_are_counted():
    y, predicted = two_classes(2_000)
    found = describe_predictions(oof_of(y, predicted), ARM, None)
    assert sum(each["n_rows"] for each in found["calibration"]) == found["n_rows"] == 2_000
    inside = [each["low"] <= each["predicted"] <= each["high"] for each in found["calibration"]]
    assert sum(inside) >= 8
    assert np.sum(found["confusion"]["counts"]) == 2_000


def test_the_served_threshold_decides_where_there_is_one():
    y, predicted = two_classes()
    by_class, by_threshold = (describe_predictions(oof_of(y, predicted), ARM, t) for t in (None, 0.01))
    decided_positive = [np.sum(found["confusion"]["counts"], axis=0)[1] for found in (by_class, by_threshold)]
    assert decided_positive[0] < decided_positive[1]
    assert by_threshold["confusion"]["threshold"] == 0.01


def test_decisions_are_priced_beside_the_cheapest_single_class():
    costs = np.array([[0.0, 5.0], [120.0, 0.0]])
    y, predicted = np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]])
    found = describe_predictions(oof_of(y, predicted, costs=costs), ARM, None)["confusion"]
    assert (found["cost_per_row"], found["cost_of_one_class"]) == (0.0, 2.5)
    assert describe_predictions(oof_of(y, predicted), ARM, None)["confusion"]["cost_per_row"] is None


def test_of_several_classes_the_most_probable_one_is_judged():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 90)
    found = describe_predictions(oof_of(rng.integers(0, 3, 90), proba), ARM, None)
    assert np.shape(found["confusion"]["counts"]) == (3, 3)
    assert min(each["predicted"] for each in found["calibration"]) > 1 / 3


def test_numbers_have_no_confusion_and_rows_without_a_prediction_do_not_count():
    y = np.linspace(0, 1, 50)
    predicted, folds = y.copy(), np.zeros((1, 50), dtype=int)
    predicted[:10], folds[0, :10] = np.nan, -1
    found = describe_predictions(OutOfFold((ARM,), y, folds, predicted[None, None], 10.0), ARM, None)
    assert found["confusion"] is None and found["n_rows"] == 40
    assert all(each["predicted"] == pytest.approx(each["observed"]) for each in found["calibration"])


def test_a_few_rows_have_as_many_bins():
    assert len(calibration_bins(np.arange(3.0), np.arange(3.0))) == 3


def test_the_arm_asked_for_is_described():
    y, predicted = two_classes()
    both = oof_of(y, predicted)
    other = Arm(Mix("smote", 1.0), "linear")
    both = dataclasses.replace(both, arms=(ARM, other), predictions=np.stack([both.predictions[0]] * 2))
    assert describe_predictions(both, other, None)["arm"] == other.name

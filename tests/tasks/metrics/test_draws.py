from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.metrics import METRICS
from realmix.tasks.metrics.average_precision import average_precision_draws
from realmix.tasks.metrics.balanced_accuracy import balanced_accuracy_draws
from realmix.tasks.metrics.calibration_error import calibration_error_draws
from realmix.tasks.metrics.f1 import f1_draws
from realmix.tasks.metrics.r2 import r2_draws
from realmix.tasks.metrics.recall_at_alert_rate import recall_at
from realmix.tasks.metrics.roc_auc import roc_auc_draws


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_many_draws_are_those_of_each_draw(n_classes):
    rng = np.random.default_rng(0)
    y, proba = rng.integers(0, n_classes, 60), rng.dirichlet(np.ones(n_classes), 60).round(1)
    weights = rng.integers(0, 3, (20, 60)).astype(float)
    for spec, fast in (
        (METRICS["roc_auc"], roc_auc_draws),
        (METRICS["average_precision"], average_precision_draws),
        (METRICS["f1"], f1_draws),
        (METRICS["balanced_accuracy"], balanced_accuracy_draws),
        (METRICS["calibration_error"], calibration_error_draws),
    ):
        slow = [spec.compute(y[w > 0], proba[w > 0], w[w > 0]) for w in weights]
        assert fast(y, proba, weights) == pytest.approx(slow)


def test_recall_of_many_draws_is_that_of_each_draw():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 60), rng.random(60).round(1)
    proba, weights = np.column_stack([1 - p, p]), rng.integers(0, 3, (20, 60)).astype(float)
    spec = recall_at(0.13)
    slow = [spec.compute(y[w > 0], proba[w > 0], w[w > 0]) for w in weights]
    assert spec.compute_draws(y, proba, weights) == pytest.approx(slow)


def test_r2_of_many_draws_is_that_of_each_draw():
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(0)
    y = rng.normal(1000, 1, 50)
    predicted, weights = y + rng.normal(size=50), rng.integers(0, 3, (10, 50)).astype(float)
    slow = [r2_score(y, predicted, sample_weight=w) for w in weights]
    assert r2_draws(y, predicted, weights) == pytest.approx(slow)


def test_a_class_missing_from_a_draw_is_not_a_score():
    proba = np.array([[0.4, 0.6], [0.3, 0.7]])
    weights = np.array([[1.0, 0.0]])
    for score in (roc_auc_draws, average_precision_draws, f1_draws, balanced_accuracy_draws):
        assert np.isnan(score(np.array([0, 1]), proba, weights)).all()

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from realmix.tasks.core.scores.thresholds import (
    alert_threshold,
    best_cost_threshold,
    best_f1_threshold,
    cross_fitted_labels,
    labels_at,
)

truths = arrays(int, 12, elements=st.integers(0, 1))
chances = arrays(float, 12, elements=st.floats(0.0, 1.0).map(lambda p: round(p, 2)))
weights = arrays(float, 12, elements=st.floats(0.1, 5.0))


@given(truths, chances, weights)
def test_no_threshold_does_better(y_true, p_positive, sample_weight):
    if not y_true.any():
        return

    def score(threshold: float) -> float:
        called = p_positive >= threshold
        return f1_score(y_true, called, sample_weight=sample_weight, zero_division=0)

    best = score(best_f1_threshold(y_true, p_positive, sample_weight))
    assert best >= max(score(each) for each in np.linspace(0, 1, 51)) - 1e-9


def test_of_equally_good_thresholds_the_nearest_to_a_half_is_taken():
    y_true, p_positive = np.array([0, 1, 1]), np.array([0.1, 0.6, 0.8])
    assert best_f1_threshold(y_true, p_positive) == pytest.approx(0.35)


def test_nothing_to_tune_without_positive_rows():
    assert best_f1_threshold(np.zeros(3, dtype=int), np.array([0.1, 0.2, 0.3])) == 0.5


def test_no_threshold_costs_less():
    rng = np.random.default_rng(0)
    for _ in range(50):
        costs = np.where(rng.random((40, 2)) < 0.5, 0.0, rng.exponential(10, (40, 2)))
        p_positive, sample_weight = rng.random(40).round(1), rng.uniform(0.1, 5, 40)

        def cost(threshold, costs=costs, p=p_positive, weight=sample_weight):
            return weight @ np.where(p >= threshold, costs[:, 1], costs[:, 0])

        best = cost(best_cost_threshold(costs, p_positive, sample_weight))
        assert best <= min(cost(each) for each in np.linspace(0, 1.01, 102)) + 1e-9


@pytest.mark.parametrize("highest", [0.9, 1.0])
def test_where_no_alarm_pays_no_row_is_labelled_positive_not_even_a_certain_one(highest):
    p_positive = np.array([0.1, highest])
    threshold = best_cost_threshold(np.array([[0.0, 5.0], [1.0, 5.0]]), p_positive, np.ones(2))
    assert not (p_positive >= threshold).any()


def test_an_alarm_on_every_row_may_be_cheapest():
    threshold = best_cost_threshold(np.array([[0.0, 1.0], [100.0, 0.0]]), np.array([0.2, 0.1]), np.ones(2))
    assert threshold <= 0.1


def test_alerts_are_as_many_as_the_rate_allows_by_weight():
    p_positive, weight = np.linspace(0.01, 1, 100), np.repeat([1.0, 3.0], 50)
    assert (p_positive >= alert_threshold(p_positive, np.ones(100), alert_rate=0.05)).sum() == 5
    assert weight[p_positive >= alert_threshold(p_positive, weight, alert_rate=0.06)].sum() == 12


def called(y_true, p_positive, folds):
    proba = np.column_stack([1 - p_positive, p_positive])
    labels = cross_fitted_labels(best_f1_threshold, y_true, proba, folds, np.ones(len(y_true)))
    return labels[:, 1] == 1


def test_a_fold_s_threshold_comes_from_the_other_folds():
    y_true = np.array([0, 1, 0, 1, 0, 1])
    p_positive = np.array([0.1, 0.3, 0.1, 0.3, 0.4, 0.9])
    folds = np.array([0, 0, 1, 1, 2, 2])
    # Folds 0 and 1 set 0.2 for fold 2, where 0.4 is then a false alarm.
    assert called(y_true, p_positive, folds)[4:].tolist() == [True, True]
    p_positive[4:] = [0.15, 0.16]
    assert called(y_true, p_positive, folds)[4:].tolist() == [False, False]


def test_a_fold_s_own_truth_changes_nothing_in_it():
    rng = np.random.default_rng(0)
    y_true, p_positive, folds = rng.integers(0, 2, 60), rng.random(60), np.arange(60) % 5
    changed = np.where(folds == 2, 1 - y_true, y_true)
    before, after = (called(y, p_positive, folds)[folds == 2] for y in (y_true, changed))
    assert (before == after).all()


def test_a_single_fold_is_called_at_a_half():
    labels = called(np.array([0, 1]), np.array([0.4, 0.6]), np.zeros(2))
    assert labels.tolist() == [False, True]


def test_labels_of_labels_are_the_same_at_a_half():
    labels = labels_at(np.array([[0.8, 0.2], [0.9, 0.1]]), 0.15)
    assert labels.tolist() == [[0, 1], [1, 0]] == labels_at(labels, 0.5).tolist()

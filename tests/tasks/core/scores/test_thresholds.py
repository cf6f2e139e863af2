from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from realmix.tasks.core.scores.thresholds import best_f1_threshold, cross_fitted_labels

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


def test_a_fold_s_threshold_comes_from_the_other_folds():
    y_true = np.array([0, 1, 0, 1, 0, 1])
    p_positive = np.array([0.1, 0.3, 0.1, 0.3, 0.4, 0.9])
    folds = np.array([0, 0, 1, 1, 2, 2])
    # Folds 0 and 1 set 0.2 for fold 2, where 0.4 is then a false alarm.
    assert cross_fitted_labels(y_true, p_positive, folds)[4:].tolist() == [True, True]
    p_positive[4:] = [0.15, 0.16]
    assert cross_fitted_labels(y_true, p_positive, folds)[4:].tolist() == [False, False]


def test_a_fold_s_own_truth_changes_nothing_in_it():
    rng = np.random.default_rng(0)
    y_true, p_positive, folds = rng.integers(0, 2, 60), rng.random(60), np.arange(60) % 5
    changed = np.where(folds == 2, 1 - y_true, y_true)
    before, after = (cross_fitted_labels(y, p_positive, folds)[folds == 2] for y in (y_true, changed))
    assert (before == after).all()


def test_a_single_fold_is_called_at_a_half():
    labels = cross_fitted_labels(np.array([0, 1]), np.array([0.4, 0.6]), np.zeros(2))
    assert labels.tolist() == [False, True]

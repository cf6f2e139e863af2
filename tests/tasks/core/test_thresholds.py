from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.core.thresholds import best_f1_threshold, cross_fitted_f1, f1_at

truths = arrays(int, 12, elements=st.integers(0, 1))
chances = arrays(float, 12, elements=st.floats(0.0, 1.0).map(lambda p: round(p, 2)))
weights = arrays(float, 12, elements=st.floats(0.1, 5.0))


@given(truths, chances, weights)
def test_no_threshold_does_better(y_true, p_positive, sample_weight):
    if not y_true.any():
        return
    threshold = best_f1_threshold(y_true, p_positive, sample_weight)
    best = f1_at(y_true, p_positive, threshold, sample_weight)
    grid = [f1_at(y_true, p_positive, each, sample_weight) for each in np.linspace(0, 1, 201)]
    assert best >= max(grid) - 1e-9


@given(truths, chances)
def test_the_score_is_scikit_learn_s(y_true, p_positive):
    from sklearn.metrics import f1_score

    if y_true.any():
        expected = f1_score(y_true, p_positive >= 0.3)
        assert f1_at(y_true, p_positive, 0.3) == pytest.approx(expected)


def test_of_equally_good_thresholds_the_nearest_to_a_half_is_taken():
    y_true, p_positive = np.array([0, 1, 1]), np.array([0.1, 0.6, 0.8])
    assert best_f1_threshold(y_true, p_positive) == pytest.approx(0.35)


def test_nothing_to_tune_without_positive_rows():
    assert best_f1_threshold(np.zeros(3, dtype=int), np.array([0.1, 0.2, 0.3])) == 0.5
    assert np.isnan(f1_at(np.zeros(3, dtype=int), np.array([0.1, 0.2, 0.3]), 0.2))


def test_a_fold_s_threshold_comes_from_the_other_folds():
    y_true = np.array([0, 1, 0, 1, 0, 1])
    p_positive = np.array([0.1, 0.3, 0.1, 0.3, 0.4, 0.9])
    folds = np.array([0, 0, 1, 1, 2, 2])
    changed = p_positive.copy()
    changed[4:] = [0.15, 0.16]
    scores = cross_fitted_f1(y_true, p_positive, folds)
    # Folds 0 and 1 set 0.2 for fold 2, where 0.4 is then a false alarm.
    assert scores[2] == pytest.approx(2 / 3)
    assert cross_fitted_f1(y_true, changed, folds)[2] == 0.0


def test_a_fold_without_positive_rows_has_no_score():
    scores = cross_fitted_f1(np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.1, 0.9]), np.array([0, 0, 1, 1]))
    assert np.isnan(scores[0]) and scores[1] == 1.0

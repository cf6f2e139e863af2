from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference

from realmix.tasks.metrics import METRICS
from tests.tasks.metrics.samples import predictions


def test_r2_of_a_constant_truth_is_undefined():
    assert np.isnan(METRICS["r2"].compute(np.ones(4), np.arange(4.0), None))


def test_the_mean_scores_zero_and_what_is_worse_scores_less():
    y = np.array([1.0, 2.0, 3.0])
    assert METRICS["r2"].compute(y, np.full(3, 2.0), None) == 0
    assert METRICS["r2"].compute(y, y[::-1], None) == pytest.approx(-3)


def test_values_are_scikit_learn_s():
    y, predicted, weight = predictions("regression")
    expected = reference.r2_score(y, predicted, sample_weight=weight)
    assert METRICS["r2"].compute(y, predicted, weight) == pytest.approx(expected)

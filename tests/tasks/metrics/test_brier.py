import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from realmix.tasks.metrics.brier import SPEC
from tests.tasks.metrics.samples import predictions


def test_of_two_classes_it_is_the_squared_miss_of_the_probability():
    proba = np.array([[0.8, 0.2], [0.4, 0.6]])
    assert SPEC.compute(np.array([0, 1]), proba, None) == pytest.approx((0.04 + 0.16) / 2)


def test_the_worst_value_is_one_for_any_number_of_classes():
    assert SPEC.compute(np.array([0]), np.array([[0.0, 1.0]]), None) == 1
    assert SPEC.compute(np.array([0]), np.array([[0.0, 0.0, 1.0]]), None) == 1


def test_values_are_scikit_learn_s():
    y, proba, weight = predictions("binary")
    assert SPEC.compute(y, proba, weight) == pytest.approx(
        brier_score_loss(y, proba[:, 1], sample_weight=weight)
    )
    y, proba, _ = predictions("multiclass")
    assert SPEC.compute(y, proba, None) == pytest.approx(brier_score_loss(y, proba, scale_by_half=True))

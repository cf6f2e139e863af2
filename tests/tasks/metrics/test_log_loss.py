import numpy as np
import pytest
from sklearn.metrics import log_loss

from realmix.tasks.metrics.log_loss import SPEC
from tests.tasks.metrics.samples import predictions


def test_it_is_the_mean_surprise_of_what_happened():
    proba = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert SPEC.compute(np.array([0, 0]), proba, None) == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_what_was_called_impossible_costs_much_but_not_infinitely_much():
    assert 30 < SPEC.compute(np.array([0]), np.array([[0.0, 1.0]]), None) < 40


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_values_are_scikit_learn_s(task):
    y, proba, weight = predictions(task)
    assert SPEC.compute(y, proba, weight) == pytest.approx(log_loss(y, proba, sample_weight=weight))

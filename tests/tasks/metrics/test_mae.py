import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error

from realmix.tasks.metrics.mae import SPEC
from tests.tasks.metrics.samples import predictions


def test_misses_count_by_their_size_on_either_side():
    y, predicted = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.0])
    assert SPEC.compute(y, predicted, None) == pytest.approx(4 / 3)
    assert SPEC.compute(y, predicted, np.array([3.0, 0.0, 1.0])) == pytest.approx((3 * 1 + 3) / 4)


def test_values_are_scikit_learn_s():
    y, predicted, weight = predictions("regression")
    assert SPEC.compute(y, predicted, weight) == pytest.approx(
        mean_absolute_error(y, predicted, sample_weight=weight)
    )

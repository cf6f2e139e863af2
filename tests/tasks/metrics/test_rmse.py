import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error

from realmix.tasks.metrics.rmse import SPEC
from tests.tasks.metrics.samples import predictions


def test_it_is_in_the_units_of_the_target():
    y, predicted = np.array([0.0, 0.0]), np.array([3.0, 4.0])
    assert SPEC.compute(y, predicted, None) == pytest.approx(np.sqrt(12.5))
    assert SPEC.compute(10 * y, 10 * predicted, None) == pytest.approx(10 * np.sqrt(12.5))


def test_rows_are_averaged_before_the_root_is_taken():
    losses = SPEC.row_loss(np.zeros(2), np.array([3.0, 4.0]))
    assert losses.tolist() == [9.0, 16.0]
    assert SPEC.from_mean_loss(losses.mean()) == pytest.approx(np.sqrt(12.5))


def test_values_are_scikit_learn_s():
    y, predicted, weight = predictions("regression")
    expected = root_mean_squared_error(y, predicted, sample_weight=weight)
    assert SPEC.compute(y, predicted, weight) == pytest.approx(expected)

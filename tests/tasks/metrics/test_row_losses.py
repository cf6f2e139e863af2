import numpy as np
import pytest

from realmix.tasks.metrics._row_losses import identity, mean_of


def miss(y_true, y_pred):
    return np.abs(y_true - y_pred)


def test_the_score_is_made_from_the_weighted_mean_of_the_rows_losses():
    y, predicted = np.zeros(2), np.array([1.0, 4.0])
    assert mean_of(miss)(y, predicted, None) == 2.5
    assert mean_of(miss)(y, predicted, np.array([3.0, 1.0])) == 1.75
    assert mean_of(miss, np.sqrt)(y, predicted, None) == pytest.approx(np.sqrt(2.5))


def test_without_weight_there_is_no_score():
    assert np.isnan(mean_of(miss)(np.zeros(2), np.ones(2), np.zeros(2)))
    assert np.isnan(mean_of(miss)(np.zeros(0), np.zeros(0), None))


def test_a_mean_that_is_the_score_stays_as_it_is():
    losses = np.array([0.5, 1.5])
    assert identity(losses) is losses

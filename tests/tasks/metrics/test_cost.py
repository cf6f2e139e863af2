import numpy as np
import pytest

from realmix.tasks.metrics.cost import SPEC


def test_a_missed_fraud_costs_its_amount_and_a_false_alarm_five():
    # True ok, true ok, a fraud of 120, a fraud of 40 that takes 2 to look at.
    costs = np.array([[0.0, 5.0], [0.0, 5.0], [120.0, 0.0], [40.0, 2.0]])
    alarms = np.eye(2)[[0, 1, 0, 1]]
    assert SPEC.row_loss(costs, alarms).tolist() == [0, 5, 120, 2]
    assert SPEC.compute(costs, alarms, None) == pytest.approx(127 / 4)
    assert SPEC.compute(costs, alarms, np.array([1.0, 1.0, 0.0, 2.0])) == pytest.approx((5 + 4) / 4)


@pytest.mark.parametrize(("amount", "is_alarm"), [(1.0, False), (1000.0, True)])
def test_the_threshold_follows_amounts_and_not_the_number_of_frauds(amount, is_alarm):
    # A fraud of this amount has the probability of two rows that are none.
    p_positive = np.array([0.1, 0.1, 0.1, 0.4, 0.4])
    costs = np.array([[0.0, 5.0], [0.0, 5.0], [amount, 0.0], [30.0, 0.0], [30.0, 0.0]])
    threshold = SPEC.best_threshold(costs, p_positive, np.ones(5))
    assert (threshold <= 0.1) == is_alarm and threshold <= 0.4

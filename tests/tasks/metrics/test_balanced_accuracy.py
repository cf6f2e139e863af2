import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from realmix.tasks.metrics.balanced_accuracy import SPEC
from tests.tasks.metrics.samples import predictions


def test_a_rare_class_counts_as_much_as_a_common_one():
    y = np.array([0] * 9 + [1])
    always_common = np.tile([0.9, 0.1], (10, 1))
    assert SPEC.compute(y, always_common, None) == 0.5


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_values_are_scikit_learn_s(task):
    y, proba, weight = predictions(task)
    expected = balanced_accuracy_score(y, proba.argmax(1), sample_weight=weight)
    assert SPEC.compute(y, proba, weight) == pytest.approx(expected)

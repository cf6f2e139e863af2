import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from realmix.tasks.metrics.accuracy import SPEC
from tests.tasks.metrics.samples import predictions


def test_the_share_of_right_labels_is_counted_by_weight():
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert SPEC.compute(np.array([0, 1, 1]), proba, None) == pytest.approx(2 / 3)
    assert SPEC.compute(np.array([0, 1, 1]), proba, np.array([1.0, 1.0, 8.0])) == pytest.approx(0.2)


def test_two_equally_probable_classes_are_the_first():
    assert SPEC.compute(np.array([0, 1]), np.full((2, 2), 0.5), None) == 0.5


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_values_are_scikit_learn_s(task):
    y, proba, weight = predictions(task)
    assert SPEC.compute(y, proba, weight) == pytest.approx(
        accuracy_score(y, proba.argmax(1), sample_weight=weight)
    )

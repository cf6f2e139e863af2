import numpy as np
import pytest
from sklearn.metrics import f1_score

from realmix.tasks.metrics.f1 import SPEC
from tests.tasks.metrics.samples import predictions


def test_of_two_classes_only_the_positive_one_counts():
    # One hit, one row called positive in vain, two rows missed: precision 1/2, recall 1/3.
    y, called = np.array([1, 0, 1, 1, 0, 0]), np.array([1, 1, 0, 0, 0, 0])
    assert SPEC.compute(y, np.eye(2)[called], None) == pytest.approx(0.4)
    assert SPEC.compute(1 - y, np.eye(2)[1 - called], None) != pytest.approx(0.4)


def test_values_are_scikit_learn_s():
    y, proba, weight = predictions("binary")
    assert SPEC.compute(y, proba, weight) == pytest.approx(f1_score(y, proba.argmax(1), sample_weight=weight))
    y, proba, _ = predictions("multiclass")
    assert SPEC.compute(y, proba, None) == pytest.approx(f1_score(y, proba.argmax(1), average="macro"))


def test_a_class_that_the_truth_lacks_is_left_out_of_the_mean():
    y, called = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    # Class 0: 1; class 1: precision 1, recall 1/2. Class 2 has no row of its own.
    assert SPEC.compute(y, np.eye(3)[called], None) == pytest.approx((1 + 2 / 3) / 2)

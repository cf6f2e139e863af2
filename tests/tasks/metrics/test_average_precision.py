import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from realmix.tasks.metrics.average_precision import SPEC
from tests.tasks.metrics.samples import predictions


def test_it_is_the_precision_at_each_positive_row_from_the_top():
    chance = np.array([0.9, 0.8, 0.7, 0.1])
    # Positive rows stand first and third: precision 1 and 2/3.
    value = SPEC.compute(np.array([1, 0, 1, 0]), np.column_stack([1 - chance, chance]), None)
    assert value == pytest.approx((1 + 2 / 3) / 2)


def test_two_classes_are_scored_by_the_positive_one():
    y, proba, weight = predictions("binary")
    assert SPEC.compute(y, proba, weight) == pytest.approx(
        average_precision_score(y, proba[:, 1], sample_weight=weight)
    )


def test_three_classes_are_averaged_each_against_the_rest():
    y, proba, _ = predictions("multiclass")
    assert SPEC.compute(y, proba, None) == pytest.approx(
        average_precision_score(np.eye(3)[y], proba, average="macro")
    )

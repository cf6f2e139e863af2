import numpy as np
import pytest

from realmix.tasks.metrics._classes import classes_present, has_weight, macro_one_vs_rest


def share_called(is_class, proba, sample_weight):
    """Weighted share of the rows of a class that its own probability calls it."""
    return float(
        np.average(proba[is_class] > 0.5, weights=None if sample_weight is None else sample_weight[is_class])
    )


@pytest.mark.parametrize(
    ("weight", "n_rows", "expected"),
    [(None, 3, True), (None, 0, False), (np.zeros(3), 3, False), (np.array([0.0, 0.1, 0.0]), 3, True)],
)
def test_rows_without_weight_are_nothing_to_average(weight, n_rows, expected):
    assert has_weight(weight, n_rows) is expected


def test_a_class_whose_rows_weigh_nothing_is_absent():
    y = np.array([2, 0, 1, 0])
    assert classes_present(y, None).tolist() == [0, 1, 2]
    assert classes_present(y, np.array([0.0, 1.0, 0.5, 0.0])).tolist() == [0, 1]


def test_of_two_classes_only_the_positive_one_is_scored():
    compute = macro_one_vs_rest(share_called)
    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    assert compute(np.array([0, 1, 1]), proba, None) == 0.5
    assert compute(np.array([0, 1, 1]), proba, np.array([1.0, 1.0, 3.0])) == 0.75


def test_of_three_classes_each_counts_alike_and_an_absent_one_leaves_no_score():
    compute = macro_one_vs_rest(share_called)
    proba = np.eye(3)[[0, 0, 1, 0]]
    assert compute(np.array([0, 0, 1, 2]), proba, None) == pytest.approx(2 / 3)
    assert np.isnan(compute(np.array([0, 0, 1, 1]), proba, None))

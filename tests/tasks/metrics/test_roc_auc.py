import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from realmix.tasks.metrics.roc_auc import SPEC
from tests.tasks.metrics.samples import predictions


def test_it_is_the_share_of_pairs_in_the_right_order_and_a_tie_is_half_a_pair():
    chance = np.array([0.9, 0.5, 0.5, 0.1])
    value = SPEC.compute(np.array([1, 1, 0, 0]), np.column_stack([1 - chance, chance]), None)
    assert value == (1 + 1 + 0.5 + 1) / 4


def test_only_the_order_of_the_probabilities_counts():
    y, proba, weight = predictions("binary")
    squeezed = proba[:, 1] ** 3
    assert SPEC.compute(y, np.column_stack([1 - squeezed, squeezed]), weight) == pytest.approx(
        SPEC.compute(y, proba, weight)
    )


def test_values_are_scikit_learn_s():
    y, proba, weight = predictions("binary")
    assert SPEC.compute(y, proba, weight) == pytest.approx(
        roc_auc_score(y, proba[:, 1], sample_weight=weight)
    )
    y, proba, _ = predictions("multiclass")
    expected = roc_auc_score(y, proba, multi_class="ovr", average="macro")
    assert SPEC.compute(y, proba, None) == pytest.approx(expected)

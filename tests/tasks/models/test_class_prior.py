from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.models.class_prior import SPEC


def fitted(y: np.ndarray, weight: list[float]):
    return SPEC.build(None, {}, 0, 1).fit(pd.DataFrame({"x": np.zeros(len(y))}), y, np.array(weight))


def test_it_predicts_the_weighted_share_of_each_class_whatever_the_features():
    model = fitted(np.eye(2)[[0, 1, 1]], [2.0, 1.0, 1.0])
    new = pd.DataFrame({"x": [-5.0, np.nan, 1e9]})
    assert model.predict(new) == pytest.approx(np.full((3, 2), 0.5))


def test_soft_labels_count_by_their_probabilities():
    model = fitted(np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]), [3.0, 1.0])
    assert model.predict(pd.DataFrame({"x": [0.0]}))[0] == pytest.approx([0.55, 0.2, 0.25])


def test_of_numbers_it_predicts_the_weighted_mean():
    model = fitted(np.array([10.0, 20.0]), [1.0, 3.0])
    assert model.predict(pd.DataFrame({"x": [0.0, 1.0]})).tolist() == [17.5, 17.5]


def test_every_trial_is_the_same_and_it_is_known_as_the_null():
    assert SPEC.is_null and SPEC.search_space(0, None) == SPEC.search_space(5, None) == {}

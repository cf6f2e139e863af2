from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from realmix.tasks.models._soft_targets import expand_classes, standardise

weights = st.one_of(st.just(0.0), st.floats(0.01, 10.0))


@given(arrays(float, (7, 3), elements=weights), arrays(float, 7, elements=weights))
def test_expanding_keeps_the_weight_of_every_row_and_class(y_proba, sample_weight):
    target = expand_classes(y_proba, sample_weight)
    kept = np.zeros_like(y_proba)
    kept[target.rows, target.y] = target.sample_weight
    assert np.allclose(kept, y_proba * sample_weight[:, None])
    assert (target.sample_weight > 0).all() and (np.diff(target.rows) >= 0).all()


def test_hard_labels_come_back_as_they_are():
    codes = np.array([2, 0, 1, 1])
    target = expand_classes(np.eye(3)[codes], np.array([1.0, 2.0, 3.0, 4.0]))
    assert target.rows.tolist() == [0, 1, 2, 3]
    assert target.y.tolist() == codes.tolist()
    assert target.sample_weight.tolist() == [1, 2, 3, 4]


def test_standardising_a_target_is_undone_by_its_scale():
    y, weight = np.array([1.0, 5.0, 9.0, 100.0]), np.array([1.0, 2.0, 1.0, 0.0])
    target, scale = standardise(y, weight)
    assert np.allclose(target.y * scale.scale + scale.mean, y[:3])
    assert np.isclose(np.average(target.y, weights=target.sample_weight), 0)


def test_a_constant_target_has_scale_one():
    target, scale = standardise(np.full(3, 7.0), np.ones(3))
    assert scale == (7.0, 1.0) and target.y.tolist() == [0, 0, 0]

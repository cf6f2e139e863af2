from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.models import _serving
from tasks.models.random_forest import _round_down


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_walk_down_the_trees_is_scikit_learn_s_own(rows_of, task):
    from sklearn.ensemble import RandomForestClassifier

    rows = rows_of(task)
    model = rows.fit("random-forest")
    forest = RandomForestClassifier(**model.settings)
    # scikit-learn draws other bootstrap rows when weights are given, even equal ones.
    weights = np.ones(len(rows.X))
    forest.fit(_serving.encode_codes(rows.X, model.spec_), rows.y_proba.argmax(axis=1), weights)
    expected = forest.predict_proba(_serving.encode_codes(rows.X_new, model.spec_))
    assert np.allclose(model.predict(rows.X_new), expected, atol=2e-6)


def test_regression_trees_average_as_scikit_learn_s(rows_of):
    from sklearn.ensemble import RandomForestRegressor

    rows = rows_of("regression")
    model = rows.fit("random-forest")
    y = (rows.y_proba - model.spec_["target_mean"]) / model.spec_["target_scale"]
    forest = RandomForestRegressor(**model.settings)
    forest.fit(_serving.encode_codes(rows.X, model.spec_), y, np.ones(len(y)))
    expected = forest.predict(_serving.encode_codes(rows.X_new, model.spec_))
    expected = expected * model.spec_["target_scale"] + model.spec_["target_mean"]
    assert np.allclose(model.predict(rows.X_new), expected, rtol=1e-6)


def test_an_exported_forest_is_small(rows_of, tmp_path):
    rows_of("binary").fit("random-forest").export(tmp_path)
    assert (tmp_path / "arrays.npz").stat().st_size < 200_000


@given(st.floats(-(2.0**99), 2.0**99), st.floats(-(2.0**99), 2.0**99, width=32))
def test_rounding_a_threshold_down_changes_no_comparison(threshold, value):
    rounded = _round_down(np.array([threshold]))[0]
    assert (np.float32(value) <= rounded) == (float(np.float32(value)) <= threshold)

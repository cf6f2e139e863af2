from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_leaves_hold_class_shares_as_scikit_learn_s_do(rows_of, task):
    from sklearn.ensemble import RandomForestClassifier

    from realmix.tasks.models import _serving

    rows = rows_of(task)
    model = rows.fit("random-forest")
    forest = RandomForestClassifier(
        150, min_samples_leaf=4, max_features=0.4, max_samples=0.632, random_state=0
    )
    encoded, new = (np.nan_to_num(_serving.encode_codes(X, model.spec_)) for X in (rows.X, rows.X_new))
    forest.fit(encoded, rows.y_proba.argmax(axis=1))
    ours, theirs = model.predict(rows.X_new), forest.predict_proba(new)
    assert np.corrcoef(ours[:, 1], theirs[:, 1])[0, 1] > 0.85
    shares = model.predict(rows.X).mean(axis=0)
    assert np.allclose(shares, rows.y_proba.mean(axis=0), atol=0.02)


def test_half_labels_are_learnt_as_halves(rows_of):
    rows = rows_of("binary")
    from realmix.tasks.models import MODELS

    spec = MODELS["random-forest"]
    model = spec.build(rows.schema, spec.search_space(0, rows.schema), 0, 1)
    halves = np.full_like(rows.y_proba, 0.5)
    predicted = model.fit(rows.X, halves, np.ones(len(rows.X))).predict(rows.X_new)
    assert np.allclose(predicted, 0.5, atol=1e-5)


def test_rows_of_no_weight_are_not_there(rows_of):
    rows = rows_of("binary")
    from realmix.tasks.models import MODELS

    spec = MODELS["random-forest"]

    def fitted(X, y, weight):
        return spec.build(rows.schema, spec.search_space(0, rows.schema), 0, 1).fit(X, y, weight)

    weight = np.ones(len(rows.X))
    weight[::3] = 0
    kept = weight > 0
    with_zeros = fitted(rows.X, rows.y_proba, weight).predict(rows.X_new)
    without = fitted(rows.X[kept], rows.y_proba[kept], weight[kept]).predict(rows.X_new)
    assert np.array_equal(with_zeros, without)


def test_an_exported_forest_is_small(rows_of, tmp_path):
    rows_of("binary").fit("random-forest").export(tmp_path)
    assert (tmp_path / "model.json").stat().st_size < 2_000_000

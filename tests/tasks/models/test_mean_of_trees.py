"""Several boosters as one: the same mean, in one file."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.models import MODELS, _serving
from realmix.tasks.models._mean_of_trees import mean_booster

TASKS = ("binary", "multiclass", "regression")


def fitted(rows, random_state: int, **params):
    spec = MODELS["xgboost"]
    model = spec.build(rows.schema, spec.search_space(0, rows.schema) | params, random_state, 1)
    return model.fit(rows.X, rows.y_proba, np.ones(len(rows.raw)))


def margins(model, rows):
    import xgboost

    new = xgboost.DMatrix(
        _serving.encode_codes(rows.X_new, model.spec_),
        feature_types=_serving.feature_types(model.spec_),
        enable_categorical=True,
    )
    return model.state_["booster"].predict(new, output_margin=True)


@pytest.mark.parametrize("task", TASKS)
def test_three_seeds_in_one_model_predict_the_mean_of_three_models(rows_of, task):
    rows = rows_of(task)
    merged = fitted(rows, 7, n_seeds=3)
    alone = [fitted(rows, seed) for seed in (7, derive_seed(7, "mean", 1), derive_seed(7, "mean", 2))]
    assert np.abs(margins(alone[0], rows) - margins(alone[1], rows)).max() > 0.01
    mean = np.mean([margins(model, rows).astype(float) for model in alone], axis=0)
    assert np.allclose(margins(merged, rows), mean, atol=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_the_merged_model_is_one_file_that_predicts_the_same_when_it_is_loaded(rows_of, task, tmp_path):
    rows = rows_of(task)
    merged = fitted(rows, 7, n_seeds=3)
    spec = merged.export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
    loaded = _serving.load_booster(tmp_path, spec)
    served = _serving.predict(MODELS["xgboost"].serve, rows.X_new, spec, loaded)
    assert np.allclose(served, merged.predict(rows.X_new), atol=1e-6)
    assert loaded["booster"].num_boosted_rounds() == 3 * merged.n_estimators


def test_one_seed_is_the_plain_model(rows_of):
    rows = rows_of("binary")
    assert np.array_equal(fitted(rows, 7, n_seeds=1).predict(rows.X_new), fitted(rows, 7).predict(rows.X_new))


def test_boosters_of_different_rows_are_refused(rows_of):
    binary = rows_of("binary")
    other = MODELS["xgboost"].build(binary.schema, MODELS["xgboost"].search_space(0, binary.schema), 0, 1)
    other.fit(binary.X[:100], binary.y_proba[:100], np.ones(100))
    boosters = [model.state_["booster"] for model in (fitted(binary, 0), other)]
    with pytest.raises(ValueError, match="base scores"):
        mean_booster(boosters)

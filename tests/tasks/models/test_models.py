"""The contract of every model in the registry."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realmix.tasks.fits.export import export_model
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS, _serving

PAIRS = [(name, task) for name, spec in MODELS.items() for task in spec.tasks]
pairs = pytest.mark.parametrize(("name", "task"), PAIRS)


@pairs
def test_predictions_have_the_contract_s_shape_and_range(rows_of, name, task):
    rows = rows_of(task)
    predicted = rows.fit(name).predict(rows.X_new)
    assert predicted.dtype == float and np.isfinite(predicted).all()
    if task == "regression":
        assert predicted.shape == (100,)
    else:
        assert predicted.shape == (100, len(rows.schema.classes))
        assert np.allclose(predicted.sum(axis=1), 1) and predicted.min() > 0 and predicted.max() < 1


@pairs
def test_the_same_seed_gives_the_same_model(rows_of, name, task):
    rows = rows_of(task)
    assert np.array_equal(rows.fit(name).predict(rows.X_new), rows.fit(name).predict(rows.X_new))


@pairs
def test_a_learner_beats_the_class_prior_on_a_learnable_table(rows_of, name, task):
    if MODELS[name].is_null:
        pytest.skip("The class prior is the reference itself.")
    rows, metric = rows_of(task), METRICS["rmse" if task == "regression" else "log_loss"]
    learned, prior = (
        metric.compute(rows.y_new, rows.fit(each).predict(rows.X_new), None) for each in (name, "class-prior")
    )
    assert learned < 0.85 * prior


@pairs
def test_rows_of_no_weight_teach_nothing(rows_of, name, task):
    rows = rows_of(task)
    weight = (np.arange(len(rows.raw)) < 150).astype(float)
    build = MODELS[name].build
    params = MODELS[name].search_space(0, rows.schema)
    silenced = build(rows.schema, params, 0, 1).fit(rows.X, rows.y_proba, weight)
    left_out = build(rows.schema, params, 0, 1).fit(rows.X[:150], rows.y_proba[:150], weight[:150])
    assert np.allclose(silenced.predict(rows.X_new), left_out.predict(rows.X_new), rtol=1e-9)


@pytest.mark.parametrize(("name", "task"), [pair for pair in PAIRS if pair[1] != "regression"])
def test_soft_targets_are_learned_as_probabilities(rows_of, name, task):
    rows, spec = rows_of(task), MODELS[name]
    shares = [0.2, 0.3, 0.5] if task == "multiclass" else [0.3, 0.7]
    soft = np.tile(shares, (len(rows.raw), 1))
    model = spec.build(rows.schema, spec.search_space(0, rows.schema), 0, 1)
    predicted = model.fit(rows.X, soft, np.ones(len(soft))).predict(rows.X_new)
    assert np.allclose(predicted.mean(axis=0), shares, atol=0.03)


@pytest.mark.parametrize("name", [name for name, task in PAIRS if task == "multiclass"])
@pytest.mark.parametrize("n_seen", [1, 2])
def test_a_class_absent_from_training_keeps_its_column(rows_of, name, n_seen):
    rows = rows_of("multiclass")
    spec = MODELS[name]
    seen = np.eye(3)[np.arange(len(rows.raw)) % n_seen]
    model = spec.build(rows.schema, spec.search_space(0, rows.schema), 0, 1)
    predicted = model.fit(rows.X, seen, np.ones(len(seen))).predict(rows.X_new)
    assert predicted.shape == (100, 3) and predicted[:, 2].max() < 0.05


@pairs
def test_an_exported_model_predicts_the_same(rows_of, name, task, tmp_path):
    rows = rows_of(task)
    model = rows.fit(name)
    spec = json.loads(json.dumps(model.export(tmp_path), allow_nan=False))
    reloaded = _serving.predict(
        MODELS[name].serve,
        rows.X_new,
        spec,
        (MODELS[name].load_state or _serving.load_nothing)(tmp_path, spec),
    )
    assert np.allclose(reloaded, model.predict(rows.X_new), rtol=1e-9, atol=0)


@pairs
def test_no_rows_in_no_predictions_out(rows_of, name, task):
    rows = rows_of(task)
    assert len(rows.fit(name).predict(rows.X_new[:0])) == 0


@pytest.mark.parametrize("name", list(MODELS))
def test_columns_without_any_value_or_any_difference_do_no_harm(rows_of, name):
    rows = rows_of("binary")
    X = rows.X.assign(age=np.nan, job=None, income=np.where(np.arange(len(rows.raw)) == 3, np.inf, 7.0))
    spec = MODELS[name]
    model = spec.build(rows.schema, spec.search_space(0, rows.schema), 0, 1)
    predicted = model.fit(X, rows.y_proba, np.ones(len(X))).predict(rows.X_new)
    assert np.isfinite(predicted).all()


@pairs
def test_every_trial_is_deterministic_and_fits(rows_of, name, task):
    rows, spec = rows_of(task), MODELS[name]
    trials = [spec.search_space(trial, rows.schema) for trial in range(12)]
    assert trials == [spec.search_space(trial, rows.schema) for trial in range(12)]
    assert spec.is_null or len({json.dumps(trial, sort_keys=True) for trial in trials}) == 12
    assert len(rows.fit(name, trial=11).predict(rows.X_new)) == 100


@pytest.mark.parametrize("name", list(MODELS))
def test_expected_costs_are_positive_and_grow_with_rows(name):
    cost = MODELS[name].fit_cost
    assert 0 < cost(200, 16, 2) <= cost(10_000, 16, 2) < 60


def test_listing_the_models_loads_no_learner():
    code = (
        "import sys; from realmix.tasks.models import MODELS; list(MODELS);"
        "sys.exit(any(name in sys.modules for name in ('xgboost', 'sklearn', 'mlflow', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MONOTONE = [(name, task) for name, task in PAIRS if MODELS[name].is_monotone and task != "multiclass"]


@pytest.mark.parametrize(("name", "task"), MONOTONE)
@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
def test_predictions_follow_the_direction_of_the_card_even_against_the_data(rows_of, name, task, direction):
    rows, spec = rows_of(task), MODELS[name]
    schema = dataclasses.replace(rows.schema, monotone={"age": direction, "income": direction})
    for trial in (0, 3):
        model = spec.build(schema, spec.search_space(trial, schema), 0, 1)
        model.fit(rows.X, rows.y_proba, np.ones(len(rows.raw)))
        for feature, grid in (("age", np.linspace(10, 100, 60)), ("income", np.geomspace(1e3, 1e6, 60))):
            repeated = rows.X_new.iloc[np.repeat(np.arange(12), 60)].assign(**{feature: np.tile(grid, 12)})
            predicted = model.predict(repeated)
            steps = np.diff((predicted[:, 1] if task == "binary" else predicted).reshape(12, 60), axis=1)
            tolerance = 1e-6 * np.abs(predicted).max()
            assert steps.min() >= -tolerance if direction == "increasing" else steps.max() <= tolerance


@pytest.mark.parametrize(("name", "task"), MONOTONE)
def test_without_a_direction_the_same_predictions_rise_with_age(rows_of, name, task):
    rows = rows_of(task)
    repeated = rows.X_new.iloc[np.repeat(20, 60)].assign(age=np.linspace(10, 100, 60))
    predicted = rows.fit(name).predict(repeated)
    # So the test above would fail if "decreasing" were ignored.
    assert np.diff(predicted[:, 1] if task == "binary" else predicted).max() > 0.01


@pairs
def test_a_model_takes_no_more_than_its_learner_declares(rows_of, name, task, tmp_path):
    rows, spec = rows_of(task), MODELS[name]
    if spec.footprint is None:
        pytest.skip("It declares nothing, so it does not compete where size is limited.")
    schema = rows.schema
    n_levels = sum(len(column.levels) + 2 for column in schema.features if column.is_categorical)
    most = spec.footprint(len(rows.raw), len(schema.features), n_levels, len(schema.classes) or 1)
    for trial in range(8):
        place = tmp_path / str(trial)
        export_model(rows.fit(name, trial=trial), name, schema, place)
        assert sum(file.stat().st_size for file in place.iterdir()) / 1e6 <= most.megabytes
        trees = place / "model.json"
        if trees.exists():
            assert count_leaves(trees) <= most.leaves


def count_leaves(trees: Path) -> int:
    import xgboost

    return sum(each.count("leaf=") for each in xgboost.Booster(model_file=str(trees)).get_dump())


@pytest.mark.parametrize(("name", "task"), [pair for pair in PAIRS if MODELS[pair[0]].write_readable])
def test_a_readable_model_is_written_as_one_text_and_more_with_the_names_of_its_columns(rows_of, name, task):
    rows = rows_of(task)
    written = MODELS[name].write_readable(rows.fit(name).spec_, rows.schema, rows.X)
    assert sum(file.endswith(".txt") for file in written) == 1 and len(written) > 1
    assert all("age" in content and "job" in content for content in written.values())

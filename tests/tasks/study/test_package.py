from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.export import export_model, write_readable
from realmix.tasks.models import MODELS
from realmix.tasks.study.package import example_row, load_and_predict, pinned_requirements, save_pyfunc

# MLflow's own classes are annotated with Any, of which it warns on import.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType.*:UserWarning")

TARGETS = {"binary": "bought", "multiclass": "size", "regression": "price"}
pairs = pytest.mark.parametrize(
    ("name", "task"), [(name, task) for name, spec in MODELS.items() for task in spec.tasks]
)


@pytest.fixture(autouse=True)
def _no_pickles(monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def raw_rows(n_rows: int, random_state: int) -> pd.DataFrame:
    """Every raw type, missing cells, an identifier and one target of each task."""
    random = np.random.default_rng(random_state)
    age = random.integers(18, 90, n_rows).astype(float)
    city = random.choice(["Ulm", "Bonn", "Kiel"], n_rows).astype(object)
    score = age / 30 + (city == "Bonn") + random.normal(0, 0.5, n_rows)
    age[::7], city[::11] = np.nan, None
    return pd.DataFrame(
        {
            "customer_id": np.arange(n_rows),
            "age": age,
            "city": city,
            "is_member": random.random(n_rows) < 0.5,
            "visits": random.integers(0, 9, n_rows),
            "since": [f"2024-{month:02d}-11" for month in random.integers(1, 13, n_rows)],
            "bought": score > 2.5,
            "size": np.digitize(score, [1.5, 3]) * 10,
            "price": 1000 * score,
        }
    )


def schema_of(raw: pd.DataFrame, task: str) -> Schema:
    others = {target: "ignored" for each, target in TARGETS.items() if each != task}
    return infer_schema(raw, TARGETS[task], roles=others)


def packed(
    name: str, task: str, folder: Path, threshold: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Fit and save a model; give new raw rows, its own frame of them and its predictions."""
    raw, new = raw_rows(160, 0), raw_rows(40, 1).drop(columns="customer_id").astype({"is_member": object})
    new.loc[:3, "city"], new.loc[4:6, ["age", "since", "is_member"]] = "Atlantis", None
    schema, spec = schema_of(raw, task), MODELS[name]
    canonical = schema.apply(raw)
    model = spec.build(schema, spec.search_space(0, schema), 0, 1)
    model.fit(canonical[schema.feature_names], schema.one_hot_target(canonical), np.ones(len(raw)))
    export_model(model, name, schema, folder.parent / "data")
    save_pyfunc(folder.parent / "data", name, schema, folder, {"table": "customers"}, threshold=threshold)
    frame = schema.apply(new)[schema.feature_names]
    return new, frame, model.predict(frame)


@pairs
def test_a_reloaded_model_predicts_raw_rows_as_it_did_before(name, task, tmp_path):
    new, _, expected = packed(name, task, tmp_path / "model")
    served = load_and_predict(tmp_path / "model", new)
    if task == "regression":
        assert np.allclose(served["prediction"], expected, rtol=1e-6)
    else:
        assert np.allclose(served.drop(columns="prediction"), expected, atol=1e-6)
    assert len(served) == len(new) and served.index.equals(new.index)


@pytest.mark.parametrize(
    ("task", "values", "columns"),
    [
        ("binary", {True, False}, ["prediction", "proba_False", "proba_True"]),
        ("multiclass", {0, 10, 20}, ["prediction", "proba_0", "proba_10", "proba_20"]),
    ],
)
def test_predictions_have_the_target_s_own_type(task, values, columns, tmp_path):
    new, _, _ = packed("xgboost", task, tmp_path / "model")
    served = load_and_predict(tmp_path / "model", new)
    assert list(served.columns) == columns and set(served["prediction"].tolist()) <= values
    assert served["prediction"].dtype == (bool if task == "binary" else int)


def test_raw_rows_may_come_in_any_order_and_type(tmp_path):
    new, _, _ = packed("xgboost", "binary", tmp_path / "model")
    served = load_and_predict(tmp_path / "model", new)
    shuffled = new[new.columns[::-1]].assign(extra="x").convert_dtypes()
    pd.testing.assert_frame_equal(load_and_predict(tmp_path / "model", shuffled), served)


def test_a_missing_column_is_named(tmp_path):
    import mlflow.pyfunc

    new, _, _ = packed("linear", "binary", tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    with pytest.raises(Exception, match=r"missing inputs \['city'\]"):
        loaded.predict(new.drop(columns="city"))
    with pytest.raises(ValueError, match=r"Columns \['city'\] are missing"):
        loaded.unwrap_python_model().predict(None, new.drop(columns="city"))


def test_the_folder_holds_no_pickle_and_no_real_row(tmp_path):
    packed("random-forest", "binary", tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert not any(name.endswith((".pkl", ".pickle", ".joblib", ".skops")) for name in names)
    assert {"MLmodel", "requirements.txt", "served_model.py", "spec.json", "model.json"} <= names


def test_the_example_row_is_made_from_the_schema_alone_and_holds_no_label_of_a_row():
    schema = schema_of(raw_rows(160, 0), "binary")
    row = example_row(schema)
    assert list(row.columns) == schema.feature_names and row.shape == (1, 5)
    assert row.iloc[0].to_dict() | {"since": None, "visits": None, "age": None} == {
        "age": None, "city": None, "is_member": None, "visits": None, "since": None
    }  # fmt: skip


@pytest.mark.parametrize("name", list(MODELS))
def test_requirements_are_exact_and_only_what_serving_needs(name):
    pins = pinned_requirements(name)
    assert all("==" in pin for pin in pins)
    assert not any(pin.startswith(("mlflow==", "scikit-learn", "sdv", "torch", "realmix")) for pin in pins)


PREDICT = """
import sys, mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pd.read_csv(sys.argv[2])).to_csv(sys.argv[3], index=False, float_format="%.17g")
assert not {"tasks", "sdv", "prefect"} & set(sys.modules)
"""


def predict_elsewhere(python: Path, model: Path, folder: Path, new: pd.DataFrame) -> pd.DataFrame:
    """Predict in another interpreter, from a folder where our packages cannot be imported."""
    new.to_csv(folder / "new.csv", index=False)
    arguments = [str(model), str(folder / "new.csv"), str(folder / "served.csv")]
    environment = {"PATH": os.environ["PATH"], "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    subprocess.run([python, "-c", PREDICT, *arguments], cwd=folder, env=environment, check=True)
    return pd.read_csv(folder / "served.csv")


def test_a_model_loads_where_our_packages_cannot_be_imported(tmp_path):
    new, frame, expected = packed("xgboost", "binary", tmp_path / "model")
    served = predict_elsewhere(Path(sys.executable), tmp_path / "model", tmp_path, new)
    assert np.allclose(served.drop(columns="prediction"), expected, atol=1e-6)
    assert len(frame) == len(served)


@pytest.mark.environment
@pytest.mark.timeout(900)
def test_models_predict_the_same_in_an_environment_of_their_requirements_alone(tmp_path):
    task_of = {name: next(t for t in ("multiclass", "binary") if t in MODELS[name].tasks) for name in MODELS}
    saved = {name: packed(name, task, tmp_path / name) for name, task in task_of.items()}
    pins = sorted({pin for name in MODELS for pin in pinned_requirements(name)})
    assert pins == sorted((tmp_path / "xgboost" / "requirements.txt").read_text().split())
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    requirements = str(tmp_path / "xgboost" / "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
    for name, (new, _, expected) in saved.items():
        served = predict_elsewhere(python, tmp_path / name, tmp_path, new)
        assert np.allclose(served.drop(columns="prediction"), expected, atol=1e-6), name


def test_what_people_read_of_a_model_lies_in_its_folder_and_not_among_its_data(tmp_path):
    schema = schema_of(raw_rows(160, 0), "binary")
    canonical = schema.apply(raw_rows(160, 0))
    spec = MODELS["decision-tree"]
    model = spec.build(schema, spec.search_space(0, schema), 0, 1)
    model.fit(canonical[schema.feature_names], schema.one_hot_target(canonical), np.ones(160))
    exported = export_model(model, "decision-tree", schema, tmp_path / "data")
    write_readable(exported, schema, canonical, tmp_path / "data")
    save_pyfunc(tmp_path / "data", "decision-tree", schema, tmp_path / "model", {})
    assert "if age <=" in (tmp_path / "model" / "rules.txt").read_text()
    assert {file.name for file in (tmp_path / "model" / "artifacts" / "data").iterdir()} == {"spec.json"}
    assert len(load_and_predict(tmp_path / "model", raw_rows(5, 1))) == 5


def test_with_a_threshold_the_prediction_is_the_positive_class_from_there_on(tmp_path):
    import mlflow.pyfunc

    new, _, expected = packed("linear", "binary", tmp_path / "model", threshold=0.2)
    served = load_and_predict(tmp_path / "model", new)
    assert (served["prediction"] == (served["proba_True"] >= 0.2)).all()
    assert 0.2 < served["proba_True"][served["prediction"]].min() < 0.5
    assert np.allclose(served.drop(columns="prediction"), expected, atol=1e-6)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert loaded.metadata.signature.params.to_dict()[0] | {"shape": None} == {
        "name": "threshold", "type": "double", "default": 0.2, "shape": None
    }  # fmt: skip
    assert loaded.metadata.metadata["threshold"] == 0.2
    known = new[loaded.metadata.get_input_schema().input_names()]
    cautious = loaded.predict(known, params={"threshold": 0.9})
    assert (cautious["prediction"] == (cautious["proba_True"] >= 0.9)).all()


def test_without_a_threshold_the_prediction_is_the_most_probable_class_and_there_is_no_parameter(tmp_path):
    import mlflow.pyfunc

    new, _, _ = packed("linear", "binary", tmp_path / "model")
    served = load_and_predict(tmp_path / "model", new)
    assert (served["prediction"] == (served["proba_True"] > 0.5)).all()
    assert mlflow.pyfunc.load_model(str(tmp_path / "model")).metadata.signature.params is None

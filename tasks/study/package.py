"""Package a fitted model as an MLflow pyfunc of code and data files, without pickles or this package."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.versions import installed_version
from realmix.tasks.fits.export import READABLE
from realmix.tasks.models import MODELS
from realmix.tasks.models._shipping import served_code

# What every shipped model needs: mlflow-skinny loads a pyfunc without the server's dependencies.
BASE_REQUIREMENTS = ("mlflow-skinny", "numpy", "pandas")
# Columns and classes of a packaged model, inside its folder.
DATA_SPEC = "artifacts/data/spec.json"


def save_pyfunc(
    data: Path,
    model_name: str,
    schema: Schema,
    folder: Path,
    metadata: dict[str, Any],
    *,
    threshold: float | None = None,
) -> None:
    """Package the data files of a fitted model as an MLflow pyfunc model folder.

    The model takes raw rows (with unseen categories and missing values) and returns
    ``prediction`` and, for classification, ``proba_<class>``. With a threshold, ``prediction`` is the positive
    class from that probability on, and ``predict(rows, params={"threshold": ...})`` uses another one; otherwise
    it is the most probable class. The model contains a copy of the serving
    code, so it loads without this package and with
    ``MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false``. What people read of it lies in the folder itself.

    Parameters
    ----------
    data : Path
        Folder written by :func:`realmix.tasks.fits.export.export_model`.
    model_name : str
        As in the registry, for its requirements.
    schema : Schema
        Of the table it was trained on.
    folder : Path
        Must not exist, or be empty.
    metadata : dict
        JSON-able; stored in the ``MLmodel`` file.
    threshold : float, optional
        Of two classes.
    """
    import mlflow.pyfunc

    decided_at = {} if threshold is None else {"threshold": threshold}
    with tempfile.TemporaryDirectory() as scratch:
        # MLflow names an artifact after its folder.
        copied = Path(shutil.copytree(data, Path(scratch) / "data", ignore=shutil.ignore_patterns(READABLE)))
        spec = json.loads((copied / "spec.json").read_text(encoding="utf-8"))
        (copied / "spec.json").write_text(json.dumps(spec | decided_at), encoding="utf-8")
        code = Path(scratch) / "served_model.py"
        members = member_kinds(data)
        served = served_code(MODELS[model_name], [MODELS[kind] for kind in members])
        code.write_text(served, encoding="utf-8")
        mlflow.pyfunc.save_model(
            folder,
            python_model=code,
            artifacts={"data": str(copied)},
            signature=signature(schema, threshold),
            input_example=example_row(schema),
            pip_requirements=pinned_requirements(model_name, *members),
            metadata=metadata | decided_at,
        )
    if (readable := data / READABLE).exists():
        shutil.copytree(readable, folder, dirs_exist_ok=True)


def member_kinds(data: Path) -> list[str]:
    """List the kinds of models that an exported ensemble is made of; none for any other model."""
    spec = json.loads((data / "spec.json").read_text(encoding="utf-8"))["model"]
    return sorted({member["spec"]["kind"] for member in spec.get("members", ())})


def pinned_requirements(*model_names: str) -> list[str]:
    """Pin what a reloaded model needs to the versions installed here.

    Examples
    --------
    >>> [line.split("==")[0] for line in pinned_requirements("linear")]
    ['mlflow-skinny', 'numpy', 'pandas']
    """
    own = [name for model in model_names for name in MODELS[model].requirements]
    return [f"{name}=={installed_version(name)}" for name in dict.fromkeys((*BASE_REQUIREMENTS, *own))]


def signature(schema: Schema, threshold: float | None = None) -> Any:
    """Return MLflow's signature: the columns that the model takes and returns, and its threshold as a parameter.

    Inputs are of any type: MLflow's integer columns refuse missing values, and any column may
    have one when the model serves.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec
    from mlflow.types.schema import Schema as MlflowSchema

    inputs = MlflowSchema([ColSpec(AnyType(), column.name) for column in schema.features])
    types = {"integer": "long", "float": "double", "boolean": "boolean"}
    label = types.get(schema[schema.target].raw_type, "string") if schema.is_classification else "double"
    outputs = {"prediction": label} | {f"proba_{c}": "double" for c in schema.classes}
    params: dict[str, Any] = {}
    if threshold is not None:
        params = {"params": ParamSchema([ParamSpec("threshold", "double", threshold)])}
    returned = MlflowSchema([ColSpec(kind, name) for name, kind in outputs.items()])
    return ModelSignature(inputs, returned, **params)


def example_row(schema: Schema) -> pd.DataFrame:
    """Make one raw row from the schema alone: mid-range numbers and missing labels, no real row and no label of one.

    Parameters
    ----------
    schema : Schema

    Returns
    -------
    DataFrame of shape (1, n_features)
    """
    canonical = pd.DataFrame({c.name: [_example_value(c)] for c in schema.features})
    return schema.restore(canonical)[schema.feature_names].astype(object)


def _example_value(column: Column) -> str | float | None:
    if column.is_categorical:
        return None
    if column.minimum is None or column.maximum is None:
        return float("nan")
    return round((column.minimum + column.maximum) / 2, 6)


def load_and_predict(folder: Path, raw: pd.DataFrame) -> pd.DataFrame:
    """Load a model folder and predict raw rows.

    Parameters
    ----------
    folder : Path
        Written by :func:`save_pyfunc`.
    raw : DataFrame of shape (n_rows, n_columns)
        Raw rows; columns that the model does not know are dropped.

    Returns
    -------
    DataFrame of shape (n_rows, 1 + n_classes)
        ``prediction`` and ``proba_<class>``.
    """
    return load_served(folder)(raw)


def load_served(folder: Path) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Load a model folder; return the function that :func:`load_and_predict` applies to rows."""
    import mlflow.pyfunc

    spec = json.loads((folder / DATA_SPEC).read_text(encoding="utf-8"))
    model = mlflow.pyfunc.load_model(str(folder))

    def serve(raw: pd.DataFrame) -> pd.DataFrame:
        # MLflow would log a warning that names every other column.
        known = [c["name"] for c in spec["columns"] if c["name"] in raw.columns]
        predicted: pd.DataFrame = model.predict(raw[known])
        return predicted

    return serve

"""Write a fitted model as the data files that serving reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import Model
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import MODELS

# Subfolder of the data files for what people read; nothing serves from it.
READABLE = "readable"


def export_model(model: Model, name: str, schema: Schema, folder: Path) -> dict[str, Any]:
    """Write a model's data files and its ``spec.json``, without any pickle.

    Parameters
    ----------
    model : Model
        Fitted.
    name : str
        The model's name in its registry.
    schema : Schema
        Of the table it was trained on.
    folder : Path
        Created as needed.

    Returns
    -------
    dict
        ``model`` of the spec: what `serve` gets.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spec = serving_spec({"kind": name, **model.export(folder)}, schema)
    (folder / "spec.json").write_text(json.dumps(spec, allow_nan=False), encoding="utf-8")
    exported: dict[str, Any] = spec["model"]
    return exported


def write_readable(model_spec: Mapping[str, Any], schema: Schema, real: pd.DataFrame, folder: Path) -> None:
    """Write an exported model out for people; nothing where its learner has no such form.

    Parameters
    ----------
    model_spec : mapping
        ``model`` of the ``spec.json`` that :func:`export_model` wrote.
    schema : Schema
        Of the table it was trained on.
    real : DataFrame of shape (n_real, n_modelled)
        Canonical real training rows.
    folder : Path
        The files go to its subfolder `READABLE`.
    """
    write = MODELS[model_spec["kind"]].write_readable
    if write is None:
        return
    place = folder / READABLE
    place.mkdir(exist_ok=True)
    for name, content in write(model_spec, schema, real).items():
        (place / name).write_text(content, encoding="utf-8")


def serving_spec(model_spec: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Add to what the model exported how the raw columns are read.

    Parameters
    ----------
    model_spec : dict
        From :meth:`realmix.tasks.core.contracts.specs.Model.export`.
    schema : Schema
    """
    return {
        "columns": [_column_spec(column, schema) for column in schema.features],
        "target": {"name": schema.target, "raw_type": schema[schema.target].raw_type},
        "classes": list(schema.classes),
        "model": model_spec,
    }


def _column_spec(column: Column, schema: Schema) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": column.name, "kind": column.kind, "raw_type": column.raw_type}
    if column.is_categorical:
        spec["levels"] = list(column.levels)
    if column.name in schema.forms:
        spec["form"] = dict(schema.forms[column.name])
    return spec

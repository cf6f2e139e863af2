"""Write a fitted model as the data files that serving reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from realmix.tasks.core.contracts.specs import Model
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema


def export_model(model: Model, name: str, schema: Schema, folder: Path) -> None:
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
    """
    folder.mkdir(parents=True, exist_ok=True)
    spec = serving_spec({"kind": name, **model.export(folder)}, schema)
    (folder / "spec.json").write_text(json.dumps(spec, allow_nan=False), encoding="utf-8")


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

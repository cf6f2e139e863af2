"""Write a fitted model as the data files that serving reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from realmix.tasks.core.contracts.specs import Model
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
    """Add the types of the raw columns to what the model exported.

    Parameters
    ----------
    model_spec : dict
        From :meth:`realmix.tasks.core.contracts.specs.Model.export`.
    schema : Schema
    """
    return {
        "columns": [{"name": c.name, "kind": c.kind, "raw_type": c.raw_type} for c in schema.features],
        "target": {"name": schema.target, "raw_type": schema[schema.target].raw_type},
        "classes": list(schema.classes),
        "model": model_spec,
    }

"""Bins of a table, as its owner would declare them, made of its own cells: for tests alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.schema import Schema


def declare(
    raw: pd.DataFrame, schema: Schema, *, epsilon: float = 5.0, n_bins: int = 6, **terms: Any
) -> dict[str, Any]:
    """The card's `dp` for the modelled columns of a table."""
    real = schema.apply(raw)
    columns: dict[str, Any] = {}
    for column in schema.modelled:
        values = real[column.name]
        gaps = {"missing": True} if values.isna().any() else {}
        if column.is_categorical:
            columns[column.name] = {"values": list(column.levels), **gaps}
            continue
        edges = np.linspace(values.min(), values.max(), n_bins + 1)
        if column.kind == "datetime":
            edges = [pd.Timestamp(edge, unit="s").to_pydatetime() for edge in edges]
        whole = {"whole": True} if column.is_integer or column.kind == "datetime" else {}
        columns[column.name] = {"edges": list(edges), **whole, **gaps}
    return {"epsilon": epsilon, "columns": columns, **terms}

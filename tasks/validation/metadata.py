"""Schema and card as plain values, from which the expectation suites are built."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema

# Kinds of columns whose values may identify a person.
PERSONAL_KINDS = ("identifier", "text")


def suite_metadata(schema: Schema, card: DataCard, **more: Any) -> dict[str, Any]:
    """Convert schema and card to the plain values from which suites are built.

    Parameters
    ----------
    schema : Schema
    card : DataCard
    **more
        Further values that one kind of suite needs, see ``expectations/``.

    Returns
    -------
    dict
    """
    return {
        "schema": {**schema.to_dict(), "columns": [_plain_column(c) for c in schema.columns]},
        "key": schema.with_role("key"),
        "time": schema.with_role("time"),
        "rules": [rule.model_dump() for rule in card.rules],
        **more,
    }


def personal_columns(schema: Schema, card: DataCard) -> frozenset[str]:
    """List the columns whose values no result may hold: sensitive, keys, identifiers, free text."""
    identifying = {c.name for c in schema.columns if c.kind in PERSONAL_KINDS or c.role == "key"}
    return frozenset(identifying | set(card.sensitive))


def narrowed(schema: Schema, real: pd.DataFrame) -> Schema:
    """Narrow the schema to the levels and ranges of these rows."""
    columns = {c.name: _narrowed_column(c, real[c.name].dropna()) for c in schema.modelled}
    return dataclasses.replace(schema, columns=tuple(columns.get(c.name, c) for c in schema.columns))


def _narrowed_column(column: Column, values: pd.Series) -> Column:
    if column.is_categorical:
        present = set(values.unique())
        return dataclasses.replace(column, levels=tuple(v for v in column.levels if v in present))
    low, high = (float(values.min()), float(values.max())) if len(values) else (None, None)
    return dataclasses.replace(column, minimum=low, maximum=high)


def _plain_column(column: Column) -> dict[str, Any]:
    """Convert a column to plain values; bounds of dates become timestamps in full seconds."""
    plain = dataclasses.asdict(column)
    if column.kind == "datetime" and column.minimum is not None and column.maximum is not None:
        plain["minimum"] = pd.Timestamp(column.minimum, unit="s").floor("s").isoformat()
        plain["maximum"] = pd.Timestamp(column.maximum, unit="s").ceil("s").isoformat()
    return plain

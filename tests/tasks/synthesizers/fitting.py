"""Fit a synthesizer to a small raw table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.synthesizers import SYNTHESIZERS


def fit(name: str, raw: pd.DataFrame, target: str = "y", **declared: Any) -> Any:
    """Fit the synthesizer of a name to all rows of a table."""
    schema = infer_schema(raw, target)
    synthesizer = SYNTHESIZERS[name].build(DataCard(target=target, **declared))
    return synthesizer.fit(schema.apply(raw), schema=schema, random_state=0, max_steps=None)

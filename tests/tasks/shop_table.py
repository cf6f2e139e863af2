"""A small table of a shop's customers, and its snapshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import Table


def rows(n_rows: int = 800) -> pd.DataFrame:
    """The same first rows of random numbers each time."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "income": rng.normal(size=n_rows),
            "shop": rng.integers(0, 30, n_rows),
            "y": rng.choice(["no", "yes"], n_rows),
        }
    )


def table_of(raw: pd.DataFrame, folder: Path, **declared: str) -> Table:
    """The checked table `train` whose card declares the target `y` and what else is given."""
    card = DataCard(target="y", **{"source": "train.csv", **declared})  # type: ignore[arg-type]
    snapshot = take_snapshot(raw, folder / "snapshots", source={})
    schema = infer_schema(raw, "y", kinds=card.columns, roles=card.roles)
    return Table("train", snapshot, {}, card, schema)

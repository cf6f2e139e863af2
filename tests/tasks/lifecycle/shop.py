"""A registered table of a shop, and batches that land for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.runtime.database import batches, register_table
from realmix.tasks.runtime.holdout_rules import registered_rule
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import Table, home

SECRET = "zoroastrian"


def rows(n_rows: int = 100, *, first: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(first)
    return pd.DataFrame(
        {
            "id": np.arange(first, first + n_rows),
            "age": rng.integers(18, 90, n_rows),
            "faith": rng.choice(["jain", SECRET], n_rows),
            "job": rng.choice(["cook", "nurse"], n_rows),
            "bought": rng.choice(["no", "yes"], n_rows),
        }
    )


def register(place: Path, arrival: str = "append", *, max_replaced: float = 0.2, **more: Any) -> DataCard:
    declared = {"target": "bought", "key": "id", "sensitive": ["faith"], "source": "table:shop"}
    operation = {"landing": str(place), "arrival": arrival, "max_replaced": max_replaced}
    card = parse_card({**declared, "operation": operation, **more})
    snapshot = take_snapshot(rows(), home() / "snapshots", source={})
    schema = check_study_input(snapshot.read(), card)
    registered_rule(Table("shop", snapshot, {}, card, schema), rows())
    register_table("shop", card, snapshot.digest)
    return card


def drop(place: Path, name: str, batch: pd.DataFrame) -> None:
    batch.to_csv(place / name, index=False)


def seen() -> list[tuple[str, str]]:
    return [(batch.name, batch.status) for batch in batches("shop")]


def run(code: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.DEVNULL)

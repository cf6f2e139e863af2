"""Tables whose features tell the target a little, and what is planted in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.hints.find_hints import find_hints
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.infer_schema import schema_of


def honest(seed: int = 0, n_rows: int = 600, share: float = 0.4) -> pd.DataFrame:
    """A binary target that two numbers and a category tell in part, as honest features do."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "income": np.round(rng.lognormal(8, 0.5, n_rows), 2),
            "score": np.round(rng.normal(size=n_rows), 3),
            "plan": rng.choice(["basic", "plus", "pro"], n_rows),
        }
    )
    signal = table["score"] + (table["plan"] == "pro") + rng.normal(size=n_rows)
    table["left"] = np.where(signal > np.quantile(signal, 1 - share), "yes", "no")
    return table


def quantity(seed: int = 0, n_rows: int = 600) -> pd.DataFrame:
    """The same features with a skewed number as target."""
    table = honest(seed, n_rows)
    noise = np.random.default_rng(seed + 1).normal(size=n_rows)
    return table.assign(left=np.round(np.exp(table["score"] / 2 + noise / 2 + 5), 2))


def hints_of(table: pd.DataFrame, **declared: Any) -> tuple[Hint, ...]:
    card = DataCard(target="left", **declared)
    return find_hints(table, schema_of(table, card), card)


def strong(table: pd.DataFrame, **declared: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(hint.kind, hint.columns) for hint in hints_of(table, **declared) if hint.is_strong]

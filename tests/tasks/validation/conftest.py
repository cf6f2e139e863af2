"""A table with personal columns, its card and schema, and rows as a synthesizer might give them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema


@pytest.fixture(scope="session")
def card() -> DataCard:
    return parse_card(
        {
            "target": "bought",
            "key": "id",
            "sensitive": ["faith", "wealth"],
            "rules": [
                {"kind": "range", "column": "age", "minimum": 18},
                {"kind": "distribution", "column": "job", "values": {"cook": 1.0}},
                {"kind": "dependency", "when": "age < 21", "then": "job == 'nurse'"},
            ],
        }
    )


@pytest.fixture(scope="session")
def table() -> Callable[..., pd.DataFrame]:
    """Make a table in order, of shape (n_rows, 7)."""
    return make_table


@pytest.fixture(scope="session")
def schema(card: DataCard) -> Schema:
    return infer_schema(make_table(), "bought", roles=card.roles)


@pytest.fixture(scope="session")
def canonical(schema: Schema) -> Callable[..., pd.DataFrame]:
    """Make rows whose features were shuffled, as a synthesizer might give them."""

    def make(seed: int, n_rows: int = 100) -> pd.DataFrame:
        rows = schema.apply(make_table()).sample(n_rows, random_state=seed, replace=True)
        rng = np.random.default_rng(seed)
        return pd.DataFrame({name: rng.permutation(rows[name]) for name in rows.columns})

    return make


@pytest.fixture(scope="session")
def training_table(schema: Schema) -> Callable[[], pd.DataFrame]:
    """Make the training table of real rows alone."""

    def make() -> pd.DataFrame:
        frame = schema.restore(schema.apply(make_table()))
        return frame.assign(
            _realmix_origin="real", _realmix_weight=1.0, _realmix_seed=0, _realmix_snapshot="abc"
        )

    return make


def make_table(n_rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.integers(21, 80, n_rows)
    return pd.DataFrame(
        {
            "id": [f"person-{i:05d}" for i in range(n_rows)],
            "age": age,
            "wealth": rng.integers(70_000, 90_000, n_rows) / 7,
            "faith": rng.choice(["zoroastrian", "jain"], n_rows),
            "job": rng.choice(["cook", "nurse"], n_rows),
            "since": pd.date_range("2020-01-01", periods=n_rows, freq="7h").strftime("%Y-%m-%d %H:%M:%S"),
            "bought": np.where(rng.random(n_rows) < 0.4, "yes", "no"),
        }
    )

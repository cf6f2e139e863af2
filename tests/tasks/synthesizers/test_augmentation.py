"""What SMOTE, neighbour swap and sequential trees keep of the real rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.synthesizers import SYNTHESIZERS

RNG = np.random.default_rng(0)
N = 300
IS_HIGH = RNG.random(N) < 0.3
RAW = pd.DataFrame(
    {
        "x": np.where(IS_HIGH, 10.0, 0.0) + RNG.normal(size=N),
        "town": np.where(IS_HIGH, "hill", RNG.choice(["shore", "river"], N)),
        "gap": np.where(IS_HIGH, np.nan, RNG.normal(size=N)),
        "y": np.where(IS_HIGH, "high", "low"),
        "income": np.where(IS_HIGH, 100.0, 10.0) + RNG.normal(size=N),
    }
)
NAMES = ["smote", "neighbour-swap", "sequential-trees"]


def sample(name: str, raw: pd.DataFrame, target: str, n_rows: int = 300) -> pd.DataFrame:
    schema = infer_schema(raw, target)
    synthesizer = SYNTHESIZERS[name].build(DataCard(target=target))
    synthesizer.fit(schema.apply(raw), schema=schema, random_state=0, max_steps=None)
    return synthesizer.sample(n_rows, random_state=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ["y", "income"])
def test_relations_and_patterns_of_missing_cells_survive(name: str, target: str) -> None:
    rows = sample(name, RAW, target)
    is_high = (rows["y"] == "high").to_numpy()
    assert 0.2 < is_high.mean() < 0.4
    assert (rows["x"] > 5)[is_high].mean() > 0.95
    assert (rows["x"] < 5)[~is_high].mean() > 0.95
    assert (rows["income"] > 55)[is_high].mean() > 0.95
    assert (rows["town"] == "hill")[is_high].mean() > 0.95
    assert rows["gap"].isna()[is_high].mean() > 0.95
    assert rows["gap"].isna()[~is_high].mean() < 0.05


@pytest.mark.parametrize("columns", [["x", "income"], ["town"], ["x", "town"]])
def test_smote_takes_numbers_alone_categories_alone_and_both(columns: list[str]) -> None:
    rows = sample("smote", RAW[[*columns, "y"]], "y")
    assert len(rows) == 300
    assert list(rows.columns) == [*columns, "y"]


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_new_where_the_columns_allow_it(name: str) -> None:
    raw = RAW.drop(columns="gap")
    rows = sample(name, raw, "y")
    copies = rows.merge(raw.drop_duplicates(), how="inner")
    assert len(copies) < 0.3 * len(rows)

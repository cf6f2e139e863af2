from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.scope import Scope, StudyContext
from tests.tasks.scopes import scope_of


def rows(n_rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 12, n_rows)
    job = rng.choice(["clerk", "nurse", "smith"], n_rows)
    chance = 1 / (1 + np.exp(-(age - 45) / 6 - (job == "nurse")))
    return pd.DataFrame({"age": age, "job": job, "y": np.where(rng.random(n_rows) < chance, "yes", "no")})


@pytest.fixture
def scope(tmp_path) -> Scope:
    """A fold of 200 training and 60 validation rows."""
    raw = rows(260)
    schema = infer_schema(raw, "y")
    StudyContext(schema, DataCard(target="y"), "snapshot", 0).write(tmp_path / "context.json")
    canonical = schema.apply(raw)
    return scope_of(tmp_path / "fold-0-0", canonical[:200], np.ones(200), np.arange(200), canonical[200:])

"""Tables with a known leak: a table of persons, and pools that hold nothing, copies or neighbours of members."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.table.infer_schema import infer_schema

LEVELS = np.array(["north", "south", "east", "west"], dtype=object)


def persons(n_rows: int, seed: int) -> pd.DataFrame:
    """Draw canonical rows of numbers and categories that depend on each other."""
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 15, n_rows).round()
    income = np.exp(rng.normal(10 + age / 60, 0.5)).round(2)
    region = LEVELS[rng.integers(4, size=n_rows)]
    debt = np.where(rng.random(n_rows) < 0.2, np.nan, (income * rng.random(n_rows)).round(1))
    children = rng.poisson(1.2, n_rows).astype(float)
    ill = np.where(rng.random(n_rows) < age / 120, "yes", "no").astype(object)
    return pd.DataFrame(
        {"age": age, "income": income, "debt": debt, "children": children, "region": region, "ill": ill}
    )


SCHEMA = infer_schema(persons(400, 0), "ill")


def trial(n_rows: int, seed: int, *, copied: float = 0.0, jitter: float | None = None) -> Trial:
    """Deal persons to a trial whose pool is independent but for a share of copied members, or is made of them."""
    rows = persons(4 * n_rows, seed)
    pool, members, unseen, reference = (rows.iloc[part] for part in np.arange(4 * n_rows).reshape(4, n_rows))
    n_copies = round(copied * n_rows)
    pool = pd.concat([pool.iloc[n_copies:], members.iloc[:n_copies]])
    if jitter is not None:
        pool = members.copy()
        for name in ("age", "income", "debt", "children"):
            noise = np.random.default_rng(seed).normal(size=n_rows)
            pool[name] += jitter * pool[name].std() * noise
    return Trial(pool.reset_index(drop=True), members, unseen, reference, SCHEMA, seed)

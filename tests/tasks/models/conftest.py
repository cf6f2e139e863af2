from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.contracts.specs import Model
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema, Task
from realmix.tasks.models import MODELS

N_ROWS = 240


def mixed_rows(n_rows: int, task: Task, random_state: int) -> pd.DataFrame:
    """Raw rows of every type, with missing cells, whose target the features explain."""
    random = np.random.default_rng(random_state)
    age = random.integers(18, 90, n_rows).astype(float)
    income = random.lognormal(10, 1, n_rows)
    job = random.choice(["clerk", "nurse", "pilot", "judge"], n_rows, p=[0.5, 0.3, 0.18, 0.02]).astype(object)
    score = (age - 50) / 15 + (job == "nurse") * 1.5 + random.normal(0, 0.7, n_rows)
    age[random.random(n_rows) < 0.1] = np.nan
    job[random.random(n_rows) < 0.1] = None
    target = {
        "binary": np.where(score > 0.5, "yes", "no"),
        "multiclass": np.digitize(score, [-0.5, 1.0]) + 1,
        "regression": 1000 + 250 * score,
    }[task]
    return pd.DataFrame(
        {
            "age": age,
            "income": income,
            "job": job,
            "is_member": random.random(n_rows) < 0.4,
            "grade": random.integers(1, 3, n_rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, n_rows), unit="D"),
            "outcome": target,
        }
    )


@dataclass(frozen=True)
class Rows:
    """A small table, cut in two, and what a model is fitted and judged on."""

    schema: Schema
    raw: pd.DataFrame
    raw_new: pd.DataFrame

    @property
    def X(self) -> pd.DataFrame:
        return self.schema.apply(self.raw)[self.schema.feature_names]

    @property
    def X_new(self) -> pd.DataFrame:
        return self.schema.apply(self.raw_new)[self.schema.feature_names]

    @property
    def y_proba(self) -> np.ndarray:
        return self.schema.one_hot_target(self.schema.apply(self.raw))

    @property
    def y_new(self) -> np.ndarray:
        return self.schema.encode_target(self.schema.apply(self.raw_new))

    def fit(self, name: str, *, trial: int = 0) -> Model:
        spec = MODELS[name]
        model = spec.build(self.schema, spec.search_space(trial, self.schema), 0, 1)
        return model.fit(self.X, self.y_proba, np.ones(len(self.raw)))


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Task], Rows]:
    """Training rows, and new rows with unseen categories and missing cells, by task."""

    def make(task: Task) -> Rows:
        raw, raw_new = mixed_rows(N_ROWS, task, 0), mixed_rows(100, task, 1)
        raw_new.loc[:4, "job"] = "astronaut"
        raw_new.loc[5:9, ["income", "since"]] = None
        return Rows(infer_schema(raw, "outcome"), raw, raw_new)

    return make

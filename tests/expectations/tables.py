"""What the tests of the suites share: a schema, ways to spoil a table, and what then fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.validation.results import ExpectationOutcome
from realmix.tasks.validation.run import run_suite

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def column(name: str, kind: str, raw_type: str, **more: Any) -> dict[str, Any]:
    plain = {"name": name, "kind": kind, "raw_type": raw_type, "role": "feature", "levels": []}
    return {**plain, "has_missing": False, "minimum": None, "maximum": None, **more}


SCHEMA = {
    "columns": [
        column("id", "identifier", "integer", role="key"),
        column("age", "numeric", "integer", minimum=20.0, maximum=79.0),
        column("income", "numeric", "float", minimum=0.0, maximum=1.0, has_missing=True),
        column("job", "categorical", "string", levels=["cook", "nurse"]),
        column("since", "datetime", "datetime", minimum="2020-01-01T00:00:00", maximum="2020-03-31T00:00:00"),
        column("bought", "categorical", "string", role="target", levels=["no", "yes"]),
    ],
    "target": "bought",
    "task": "binary",
    "classes": ["no", "yes"],
}


def set_cell(name: str, value: Any) -> Spoil:
    """Put a value into the first row."""

    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[0, name] = value
        return frame

    return spoil


def set_column(name: str, value: Any) -> Spoil:
    return lambda frame: frame.assign(**{name: value})


def failures(frame: pd.DataFrame, suite: Any, row_column: str | None = None) -> dict[str, ExpectationOutcome]:
    found = run_suite(frame, suite, row_column=row_column).expectations
    return {f"{e.expectation.removeprefix('expect_')}:{e.column}": e for e in found if not e.success}


def raw_table() -> pd.DataFrame:
    n = 60
    return pd.DataFrame(
        {
            "id": range(100, 100 + n),
            "age": np.arange(20, 20 + n),
            "income": [None, *np.linspace(0, 1, n - 1)],
            "job": ["cook", "nurse"] * (n // 2),
            "since": pd.date_range("2020-01-01", periods=n),
            "bought": ["no", "no", "yes"] * (n // 3),
            "_realmix_row": range(n),
            "_realmix_rule_1": False,
        }
    )

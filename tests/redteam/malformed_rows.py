"""Rows for a served model that something is wrong with, each made from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from tests.redteam.malformed_tables import ODD_CELLS, ODD_NAMES, SECRET

N_ROWS = 60


@dataclass(frozen=True)
class MalformedRows:
    """Rows, and those of which the prediction must be that of the rows as they were, by their place."""

    kind: str
    rows: pd.DataFrame
    untouched: np.ndarray


def training_rows(n_rows: int = 240) -> pd.DataFrame:
    random = np.random.default_rng(7)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(random.integers(0, 600, n_rows), unit="D")
    age = random.integers(18, 90, n_rows)
    return pd.DataFrame(
        {
            "age": age,
            "income": random.lognormal(7, 1, n_rows).round(2),
            "day": days.strftime("%Y-%m-%d"),
            "city": random.choice(["Ulm", "Bonn", "Kiel", "Köln"], n_rows),
            "member": random.choice([True, False], n_rows),
            "code": random.choice(["01", "02", "007"], n_rows),
            "bought": np.where(age + random.normal(0, 10, n_rows) > 50, "yes", "no"),
        }
    )


FEATURES = ["age", "income", "day", "city", "member", "code"]
ODD_OBJECTS: list[Any] = [None, np.nan, pd.NaT, pd.NA, [], [1], {}, {"a": 1}, (1, 2), b"x", object(), Decimal("NaN"), Decimal("1e999"), 2**70, -(2**70), 1e308,
                          float("inf"), 1 + 2j, pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01", tz="Asia/Tokyo"), pd.Timedelta("1D"), np.datetime64("NaT"), range(3), lambda: 1,
                          float, "", SECRET, True, np.True_, np.float16(1), pd.Interval(0, 1), pd.Period("2024-01"), frozenset()]  # fmt: skip


def odd_cells(rng: random.Random, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    touched = rng.sample(range(N_ROWS), rng.choice([1, 3, 6, 30, 60]))
    column = rng.choice(FEATURES)
    cells = rows[column].astype(object)
    pool = rng.sample([*ODD_OBJECTS, *ODD_CELLS], 3)
    for place in touched:
        cells.iat[place] = rng.choice(pool)
    return rows.assign(**{column: cells}), touched


ODD_DTYPES: tuple[Callable[[pd.Series], Any], ...] = (
    lambda cells: cells.astype("string"),
    lambda cells: cells.astype("category"),
    lambda cells: cells.astype(str),
    lambda cells: cells.astype(str).str.encode("utf-8"),
    lambda cells: pd.Series(np.nan, index=cells.index),
    lambda cells: pd.Series(None, index=cells.index, dtype=object),
    lambda cells: pd.Series(SECRET, index=cells.index),
    lambda cells: pd.Series(pd.NaT, index=cells.index),
    lambda cells: pd.to_datetime(pd.Series("2024-05-06", index=cells.index)).dt.tz_localize("Asia/Tokyo"),
    lambda cells: pd.Series(pd.Timedelta("3D"), index=cells.index),
    lambda cells: pd.arrays.SparseArray(np.arange(len(cells))),
    lambda cells: pd.period_range("2024-01", periods=len(cells), freq="M"),
    lambda cells: pd.Series(1j, index=cells.index),
    lambda cells: pd.array([1, None] * (len(cells) // 2), dtype="Int64"),
    lambda cells: pd.array([1.5, None] * (len(cells) // 2), dtype="Float32"),
    lambda cells: pd.Series(list(range(len(cells))), index=cells.index, dtype="uint64") + np.uint64(2**63),
    lambda cells: pd.cut(np.arange(len(cells)), 3),
    lambda cells: 1e300,
    lambda cells: [[i] for i in range(len(cells))],
)


def odd_dtypes(rng: random.Random, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    column = rng.choice(FEATURES)
    return rows.assign(**{column: rng.choice(ODD_DTYPES)(rows[column])}), list(range(N_ROWS))


def odd_shapes(rng: random.Random, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    column = rng.choice(FEATURES)
    made: Callable[[], pd.DataFrame] = rng.choice(
        [
            lambda: rows.drop(columns=column),
            lambda: rows[[]],
            lambda: rows.head(0),
            lambda: pd.concat([rows, rows[[column]]], axis=1),
            lambda: rows.rename(columns={column: rng.choice(ODD_NAMES)}),
            lambda: rows.rename(columns=str.upper),
            lambda: rows.set_axis(range(len(FEATURES)), axis=1),
            lambda: rows.set_axis(pd.MultiIndex.from_product([["a"], FEATURES]), axis=1),
            lambda: rows.T,
            lambda: rows.set_index(column),
        ]
    )
    return made(), list(range(N_ROWS))


def same_values(rng: random.Random, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """Nothing is wrong: order, index, further columns and types that say the same."""
    made: Callable[[], pd.DataFrame] = rng.choice(
        [
            lambda: rows[rng.sample(FEATURES, len(FEATURES))],
            lambda: rows.set_axis(["same"] * N_ROWS, axis=0),
            lambda: rows.set_axis(pd.MultiIndex.from_arrays([range(N_ROWS), [0] * N_ROWS]), axis=0),
            lambda: pd.concat(
                [rows, pd.Series(rng.choice(["1", "x"]), rows.index, name=rng.choice(ODD_NAMES))], axis=1
            ),
            lambda: rows.astype(object),
            lambda: rows.convert_dtypes(),
            lambda: rows.assign(age=rows["age"].astype(float), income=rows["income"].astype(str)),
            lambda: rows.assign(day=pd.to_datetime(rows["day"])),
            lambda: rows.assign(
                member=rows["member"].map({True: "yes", False: "no"}), city=rows["city"].astype("category")
            ),
            lambda: rows.assign(member=rows["member"].astype(int), age=rows["age"].astype("Int64")),
        ]
    )
    return made(), []


KINDS = (odd_cells, odd_cells, odd_dtypes, odd_shapes, same_values)


def malformed_rows(number: int, rows: pd.DataFrame) -> MalformedRows:
    """Make the rows of a number from right ones."""
    kind = KINDS[number % len(KINDS)]
    made, touched = kind(random.Random(f"rows {number}"), rows.copy())
    untouched = np.setdiff1d(np.arange(N_ROWS), touched)
    return MalformedRows(kind.__name__.replace("_", " "), made, untouched)

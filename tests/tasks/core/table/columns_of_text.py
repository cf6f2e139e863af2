"""Columns of text that the tests of reading share."""

from __future__ import annotations

from typing import Any

import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.reading_report import ColumnReading

CARD = DataCard(target="y")


def read(
    cells: list[Any], card: DataCard | None = None, **others: list[Any]
) -> tuple[pd.Series, ColumnReading]:
    """Read a column `x` beside others, as a study does."""
    frame, report = read_columns(pd.DataFrame({"x": cells, **others}), card)
    report.check()
    return frame["x"], report["x"]


def spread(cells: list[Any], n: int = 200) -> list[Any]:
    """Repeat cells to a column of about n rows of distinct numbers around them."""
    return [*cells, *(f"{i}.25" for i in range(n))]

"""The narrowest way that reads a column is taken; a problem is kept where none does."""

from __future__ import annotations

import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns
from tests.tasks.core.table.columns_of_text import read


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["true", "False"], "true or false"),
        (["20240105", "20240203"], "dates, as digits"),
        (["01", "02"], "codes"),
        (["1,5", "2,25"], "decimal numbers with a decimal comma"),
        (["14:35", "09:00"], "times of day, as seconds after midnight"),
        (["2024-01-05", "2024-02-03"], "dates"),
        (["31/01/2024", "05/02/2024"], "dates, day before month"),
        (["red", "blue"], "text"),
        ([None, " "], "empty"),
    ],
)
def test_each_kind_of_text_is_found_by_its_cells(cells, found):
    assert read(cells)[1].found == found


def test_a_column_with_a_problem_stays_text_and_shows_no_cells_in_its_report():
    cells = ["31/01/2024"] * 10 + ["01/31/2024"] * 30
    frame, report = read_columns(pd.DataFrame({"x": cells}))
    assert frame["x"].tolist() == cells and "mixes dates" in report["x"].problem
    assert not report["x"].markers


def test_a_declared_kind_that_no_cell_fits_is_a_problem():
    _, report = read_columns(pd.DataFrame({"x": ["a", "b"]}), DataCard(target="y", columns={"x": "numeric"}))
    assert "declared numeric" in report["x"].problem

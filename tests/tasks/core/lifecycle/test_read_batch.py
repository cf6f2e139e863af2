"""A batch is read as its table was, and what is not is refused by name."""

from __future__ import annotations

import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.read_batch import read_batch_rows
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns

TABLE = pd.DataFrame(
    {
        "id": [f"{i:04d}" for i in range(80)],
        "price": [f"€{i},50" for i in range(80)],
        "visit": [f"{i % 28 + 1:02d}/02/2024" for i in range(80)],
        "note": ["2024-01-05 call", "7 calls"] * 40,
        "y": ["no", "yes"] * 40,
    }
)


def card() -> DataCard:
    declared = DataCard(target="y", key="id")
    return DataCard(target="y", key="id", reading=read_columns(TABLE, declared)[1].declared)


def test_a_batch_of_the_same_format_gives_the_rows_of_its_table():
    rows, refusal = read_batch_rows(TABLE.head(3), card())
    assert refusal is None
    assert rows.to_dict("list") == read_columns(TABLE)[0].head(3).to_dict("list")


def test_keys_are_exact_text_and_a_text_column_of_digits_or_dates_stays_text():
    batch = TABLE.head(3).assign(id=["00007", "0007", "12"], note=["1", "2", "2024-01-05"])
    rows, refusal = read_batch_rows(batch, card())
    assert refusal is None
    assert rows["id"].tolist() == ["00007", "0007", "12"] and rows["note"].tolist() == [
        "1",
        "2",
        "2024-01-05",
    ]


def test_an_ambiguous_date_of_a_batch_is_read_in_the_order_of_the_table():
    rows, _ = read_batch_rows(TABLE.head(2).assign(visit=["01/02/2024", "03/04/2024"]), card())
    assert rows["visit"].tolist() == ["2024-02-01", "2024-04-03"]


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("price", ["€1,50", "$1,50"], "'price' holds 1 cell that is no number as in the table"),
        ("price", ["€1.50", "€2.75"], "'price' holds 2 cells that are no number as in the table"),
        ("visit", ["02/13/2024", "soon"], "'visit' holds 2 cells that are no date as in the table"),
    ],
)
def test_other_units_and_formats_are_refused_by_name(column, cells, words):
    _, refusal = read_batch_rows(TABLE.head(2).assign(**{column: cells}), card())
    assert words in refusal


def test_keys_with_leading_zeros_are_refused_where_the_table_has_numbers():
    numbered = DataCard(target="y", key="id", reading={"id": {"type": "number"}})
    _, refusal = read_batch_rows(TABLE.head(2), numbered)
    assert "keys in 'id' must be compared exactly" in refusal


def test_markers_and_blanks_are_missing_in_a_batch_too():
    rows, refusal = read_batch_rows(TABLE.head(3).assign(price=["-", "", "€1,50"]), card())
    assert refusal is None and rows["price"].isna().tolist() == [True, True, False]

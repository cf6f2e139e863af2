"""What is said of a reading: what became missing, never more of a sensitive column than its count."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.reading_report import ColumnReading, ReadingReport, reading_lines

PLAIN = ColumnReading("age", "integers", 100, 100, form={"type": "number"})
PRICE = ColumnReading(
    "price",
    "integers in €",
    100,
    90,
    4,
    {"-": 5},
    1,
    42,
    form={"type": "number", "decimal": ",", "unit": "€"},
)


def test_every_missing_cell_is_accounted_for():
    column = ReadingReport((PRICE,)).to_dict()["columns"]["price"]
    assert column["n_missing"] == 10 == column["n_cells"] - column["n_read"]
    assert "5 of 100 cells are '-' (5.0%)" in column["sentence"] and "line 42" in column["sentence"]


def test_the_short_table_leaves_out_what_needs_no_word():
    report = ReadingReport((PLAIN, PRICE), ("2 lines before the header",)).to_dict()
    short, whole = reading_lines(report), reading_lines(report, everything=True)
    assert short[0] == "2 lines before the header" and [line.split(":")[0] for line in short[1:]] == ["price"]
    assert len(whole) == 3


def test_only_formats_that_are_not_plain_go_into_a_model_and_all_into_a_card():
    report = ReadingReport((PLAIN, PRICE))
    assert list(report.forms) == ["price"] and list(report.declared) == ["age", "price"]


def test_markers_of_a_sensitive_column_are_counted_only():
    said = json.dumps(
        ReadingReport((ColumnReading("faith", "text", 9, 7, markers={"jain": 2}),)).to_dict(["faith"])
    )
    assert "jain" not in said and "2 of 9" in said


def test_a_problem_is_raised_unless_the_column_is_ignored():
    report = ReadingReport((PLAIN, ColumnReading("x", "text", 9, problem="The column 'x' mixes units.")))
    report.check(["x"])
    with pytest.raises(BadInput, match="mixes units"):
        report.check()


def test_a_column_left_out_says_why():
    report = ReadingReport((PLAIN,)).with_apart({"age": "constant"})
    assert reading_lines(report.to_dict()) == ["age: integers; left out: constant"]


def test_forms_of_all_kinds_of_columns_are_json():
    cells = {
        "sex": ["m", "f"] * 9,
        "zip": ["01", "02"] * 9,
        "day": ["31/01/2024"] * 18,
        "at": ["14:35", "9:00"] * 9,
    }
    cells |= {"price": ["1,5 €", "-"] * 9, "ok": ["true", "false"] * 9}
    _, report = read_columns(pd.DataFrame(cells), DataCard(target="y"))
    assert json.loads(json.dumps(report.declared)) == report.declared
    assert json.loads(json.dumps(report.to_dict()))["columns"]["zip"]["form"] == {
        "type": "text",
        "fold": True,
    }


def test_the_unit_of_a_sensitive_column_is_not_shown():
    form = {"type": "number", "decimal": ",", "unit": "kg"}
    column = ColumnReading("weight", "integers with a decimal comma in kg", 9, 9, form=form)
    shown = ReadingReport((column,)).to_dict(["weight"])["columns"]["weight"]
    assert shown["found"] == shown["sentence"] == "integers with a decimal comma" and "kg" not in str(shown)
    assert "kg" in str(ReadingReport((column,)).to_dict())

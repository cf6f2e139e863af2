"""A table of text becomes typed columns and a report of how each was read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns
from tests.tasks.core.table.columns_of_text import read, spread


def test_truth_values_and_whole_numbers_have_the_types_of_pandas():
    assert read(["True", "false", "TRUE"])[0].tolist() == [True, False, True]
    assert read(["1", "2"])[0].dtype == np.int64 and read(["1", ""])[0].dtype == float
    assert read(["1.0", "2"])[0].dtype == float


def test_infinite_cells_are_said_before_a_study_refuses_them():
    values, reading = read(["1.5", "inf", "-inf", "2.5"])
    assert np.isinf(values).sum() == 2
    assert "2 of 4 cells are infinite, which a study refuses" in reading.sentence()


def test_typed_columns_stay_as_they_are():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": pd.to_datetime(["2024-01-01", None])})
    assert read_columns(frame)[0].equals(frame)


def test_the_report_counts_the_markers_of_a_sensitive_column_and_does_not_show_them():
    _, report = read_columns(pd.DataFrame({"income": spread(["n.d.", "n.d."])}))
    assert report.to_dict()["columns"]["income"]["markers"] == {"n.d.": 2}
    hidden = report.to_dict(["income"])["columns"]["income"]
    assert hidden["markers"] == 2 and "n.d." not in str(hidden)


NUMBERS = ["1.1", "1.10", "2.0", "2"]


@pytest.mark.parametrize(
    "card",
    [
        DataCard(target="y", columns={"x": "categorical"}),
        DataCard(target="y", columns={"x": "identifier"}),
        DataCard(target="y", columns={"x": "text"}),
        DataCard(target="y", key="x"),
        DataCard(target="y", group="x"),
        DataCard(target="x", task="multiclass"),
    ],
)
@pytest.mark.parametrize("cells", [NUMBERS, ["1", "2", "None", "3"], ["1,200", "1200", "$5", "6"]])
def test_labels_that_look_like_numbers_stay_apart_and_none_is_lost(card, cells):
    assert read(cells, card)[0].tolist() == cells


def test_labels_are_numbers_where_nothing_is_lost_and_where_the_card_says_so():
    card = DataCard(target="y", key="x", columns={"z": "categorical"})
    assert read(["3", "1", "2"], card)[0].dtype == np.int64
    assert read(["3.5", "1.0"], card, z=["0", "NA"])[0].tolist() == [3.5, 1.0]
    declared = DataCard(target="y", columns={"x": "categorical"}, reading={"x": {"type": "number"}})
    assert read(NUMBERS, declared)[0].tolist() == [1.1, 1.1, 2.0, 2.0]
    assert read(NUMBERS)[0].tolist() == read(NUMBERS, DataCard(target="x", task="binary"))[0].tolist()


def test_a_flag_of_two_numbers_has_the_levels_that_it_has_without_a_card():
    card = DataCard(target="y", columns={"x": "categorical"})
    for cells in (["0", "1", "NA", "1"], ["0", "1", "unknown", "1"]):
        pd.testing.assert_series_equal(read(cells, card)[0], read(cells)[0])
    assert read(["1", "2", "None"], DataCard(target="x", task="multiclass"))[0].tolist() == ["1", "2", "None"]


def test_keys_are_compared_without_the_blanks_around_them():
    assert read([" A ", "A", "B "], DataCard(target="y", key="x"))[0].tolist() == ["A", "A", "B"]
    assert read([" A ", "A", "B "], DataCard(target="y", columns={"x": "text"}))[0].tolist() == [
        "A ",
        "A",
        "B ",
    ]

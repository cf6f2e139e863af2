"""A table of text becomes typed columns and a report of how each was read."""

from __future__ import annotations

import numpy as np
import pandas as pd

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

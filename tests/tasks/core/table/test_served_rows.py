"""A served model reads raw rows as the file of its table was read."""

from __future__ import annotations

import logging
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.served_rows import canonical_features
from realmix.tasks.fits.export import serving_spec
from realmix.tasks.models import _serving
from realmix.tasks.models._shipping import SHARED

N = 120


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 600, N), unit="D")
    return pd.DataFrame(
        {
            "price": [
                f"{x:,.2f} €".replace(",", "\0").replace(".", ",").replace("\0", ".")
                for x in rng.uniform(500, 5000, N)
            ],
            "visit": days.strftime("%d/%m/%Y"),
            "at": [
                f"{h:02d}:{m:02d}"
                for h, m in zip(rng.integers(0, 24, N), rng.integers(0, 60, N), strict=True)
            ],
            "branch": rng.choice(["01", "02"], N),
            "code": rng.choice(["1", "2", "B"], N),
            "sex": rng.choice(["Male", "male", "Female"], N),
            "flag": rng.choice(["True", "False"], N),
            "size": rng.choice(["1", "2"], N),
            "y": rng.choice(["no", "yes"], N),
        }
    )


def read(text: pd.DataFrame):
    card = DataCard(target="y")
    raw, report = read_columns(text, card)
    schema = check_study_input(raw, card)
    return schema.apply(raw)[schema.feature_names], serving_spec({}, _with(schema, report.forms))["columns"]


def _with(schema, forms):
    import dataclasses

    return dataclasses.replace(schema, forms=forms)


def test_the_text_of_the_file_itself_gives_the_features_of_training():
    expected, columns = read(table())
    assert len(columns) == 8
    pd.testing.assert_frame_equal(canonical_features(table(), columns), expected)


@pytest.mark.parametrize(
    "changed",
    [
        {"branch": lambda text: text.astype(int)},
        {"code": lambda text: text.map({"1": 1.0, "2": 2.0, "B": "B"})},
        {"code": lambda text: text.map({"1": "1.0", "2": "02", "B": " b "})},
        {"size": lambda text: "0" + text},
        {"size": lambda text: text.astype(float)},
        {"sex": lambda text: text.str.upper() + " "},
        {"flag": lambda text: text.map({"True": "yes", "False": "no"})},
        {"flag": lambda text: text == "True"},
        {"visit": lambda text: pd.to_datetime(text, format="%d/%m/%Y")},
        {"visit": lambda text: pd.to_datetime(text, format="%d/%m/%Y").dt.strftime("%Y-%m-%d")},
        {"at": lambda text: pd.to_timedelta(text + ":00")},
        {"price": lambda text: text.str.rstrip(" €")},
    ],
)
def test_the_same_values_written_otherwise_give_the_same_features(changed):
    expected, columns = read(table())
    rows = table().assign(**{name: change(table()[name]) for name, change in changed.items()})
    pd.testing.assert_frame_equal(canonical_features(rows, columns), expected, check_dtype=False)


def test_blanks_and_markers_are_missing():
    _, columns = read(table())
    rows = (
        table()
        .head(3)
        .assign(price=["", "-", "NA"], visit=[None, "0000-00-00", "unknown"], code=["", " ", None])
    )
    got = canonical_features(rows, columns)
    assert got[["price", "visit", "code"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("price", "$secret", "'price' holds text where the model expects numbers, in 120 of 120 cells"),
        ("price", "12 kg", "'price' holds text"),
        ("visit", "1704412800", "'visit' holds text that is no date"),
        ("visit", "31.31.2024", "'visit' holds text that is no date"),
        (
            "branch",
            "secret",
            "120 of 120 cells of the column 'branch' hold labels that the model has not seen",
        ),
    ],
)
def test_rows_in_another_format_are_refused_in_one_sentence_without_cells(column, cells, words):
    _, columns = read(table())
    with pytest.raises(ValueError, match=words) as caught:
        canonical_features(table().assign(**{column: cells}), columns)
    assert "secret" not in str(caught.value) and "1704412800" not in str(caught.value)


def test_a_few_unreadable_cells_and_unseen_labels_are_logged_and_missing(caplog):
    _, columns = read(table())
    rows = table()
    rows.loc[0, ["price", "branch"]] = ["twelve", "77"]
    with caplog.at_level(logging.INFO, "served_model"):
        got = canonical_features(rows, columns)
    assert np.isnan(got["price"].iloc[0]) and got["branch"].iloc[0] == "77"
    assert "1 of 120 cells" in caplog.text and "twelve" not in caplog.text


def test_no_name_is_defined_twice_in_the_code_that_is_shipped():
    seen: dict[str, object] = {}
    for module in SHARED:
        for name, value in vars(module).items():
            if getattr(value, "__module__", module.__name__) == module.__name__ and not name.startswith("__"):
                assert name not in seen or seen[name] is value, name
                seen[name] = value
    assert "realmix" not in str(_serving.__doc__)


@pytest.mark.parametrize(
    ("form", "cells", "numbers"),
    [
        (
            {"type": "number", "decimal": ",", "unit": ""},
            [1.125, 2.125, "3,125", None],
            [1.125, 2.125, 3.125, np.nan],
        ),
        (
            {"type": "number", "decimal": ",", "unit": "€"},
            [Decimal("1.234"), 0.5, "1.234,5 €"],
            [1.234, 0.5, 1234.5],
        ),
        ({"type": "clock"}, ["14:35", 3600.0, 60], [52500, 3600, 60]),
        ({}, [True, False, None], [1, 0, np.nan]),
        ({}, [np.True_, 2, "3"], [1, 2, 3]),
        ({"type": "number", "missing": ["99"]}, [99, 1.5], [np.nan, 1.5]),
    ],
)
def test_cells_that_are_numbers_already_are_not_read_as_text(form, cells, numbers):
    column = {"name": "x", "kind": "numeric", "raw_type": "float", "form": form}
    got = canonical_features(pd.DataFrame({"x": pd.Series(cells, dtype=object)}), [column])
    np.testing.assert_array_equal(got["x"], numbers)


@pytest.mark.parametrize("kind", ["numeric", "datetime"])
def test_a_list_in_a_cell_is_no_number_and_no_date(kind):
    column = {"name": "x", "kind": kind, "raw_type": "float"}
    with pytest.raises(ValueError, match="'x' holds text"):
        canonical_features(pd.DataFrame({"x": pd.Series([[1], {"a": 1}, 2.5], dtype=object)}), [column])


@pytest.mark.parametrize("raw_type", ["boolean", "integer", "string"])
def test_a_list_in_a_cell_is_a_label_that_the_model_has_not_seen(raw_type):
    column = {"name": "x", "kind": "categorical", "raw_type": raw_type, "levels": ["1", "True"]}
    got = canonical_features(pd.DataFrame({"x": pd.Series([[1], True], dtype=object)}), [column])
    assert got["x"].iloc[0] not in column["levels"]

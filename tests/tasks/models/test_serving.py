from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.served_rows import canonical_features
from realmix.tasks.models import MODELS, _serving
from realmix.tasks.models._serving import _typed_labels

TABLES = Path(__file__).resolve().parents[4] / "shared" / "data"
INDEX = TABLES / "index.json"
NAMES = [d["name"] for d in json.loads(INDEX.read_text())["datasets"]] if INDEX.exists() else ["none"]


@pytest.mark.skipif(
    not INDEX.exists(), reason="The development tables lie in ../shared/data, which is not here."
)
@pytest.mark.parametrize("name", NAMES)
def test_serving_reads_raw_rows_as_the_schema_does(name):
    table = next(d for d in json.loads(INDEX.read_text())["datasets"] if d["name"] == name)
    raw = pd.read_csv(TABLES / table["file"], nrows=3000)
    schema = infer_schema(
        raw, table["target"], kinds=dict.fromkeys(table["categorical_columns"], "categorical")
    )
    expected = schema.apply(raw)[schema.feature_names]
    columns = [asdict(column) for column in schema.features]
    pd.testing.assert_frame_equal(canonical_features(raw, columns), expected)


def test_serving_reads_every_raw_type_as_the_schema_does():
    raw = pd.DataFrame(
        {
            "flag": [True, False, None, True],
            "count": [1, 2, 3, 4],
            "code": [7.0, 8.0, np.nan, 7.0],
            "share": [0.5, np.nan, 0.25, 1.0],
            "day": ["2024-01-01", "2024-02-29", None, "2024-03-01T12:00:00"],
            "moment": pd.to_datetime(["2024-01-01", None, "2024-05-05", "2024-01-02"]),
            "name": ["a", "b", None, "a"],
            "y": ["no", "yes", "no", "yes"],
        }
    )
    schema = infer_schema(raw, "y", kinds={"day": "datetime"})
    columns = [asdict(column) for column in schema.features]
    for rows in (raw, raw.convert_dtypes(), raw.astype(object), raw.assign(flag=raw["flag"].astype(str))):
        expected = schema.apply(rows)[schema.feature_names]
        pd.testing.assert_frame_equal(canonical_features(rows, columns), expected)
    assert canonical_features(raw, columns)["flag"].tolist() == ["True", "False", None, "True"]


def test_booleans_written_as_text_are_read_as_what_they_say():
    columns = [{"name": "flag", "kind": "categorical", "raw_type": "boolean"}]
    read = canonical_features(pd.DataFrame({"flag": ["False", "true", "0?", 1, np.bool_(False)]}), columns)
    assert read["flag"].tolist() == ["False", "True", None, "True", "False"]


def test_a_missing_column_is_named():
    columns = [{"name": name, "kind": "numeric", "raw_type": "float"} for name in ("age", "income")]
    with pytest.raises(ValueError, match=r"Columns \['income'\] are missing: the model expects"):
        canonical_features(pd.DataFrame({"age": [1.0], "other": [2.0]}), columns)


def test_text_in_a_number_column_is_named_without_its_value():
    columns = [{"name": "age", "kind": "numeric", "raw_type": "float"}]
    with pytest.raises(ValueError, match="Column 'age' holds text") as caught:
        canonical_features(pd.DataFrame({"age": ["secret"]}), columns)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("classes", "raw_type", "expected"),
    [
        (["0", "1"], "integer", [0, 1]),
        (["0.5", "1.5"], "float", [0.5, 1.5]),
        (["False", "True"], "boolean", [False, True]),
        (["no", "yes"], "string", ["no", "yes"]),
    ],
)
def test_labels_come_back_in_the_type_of_the_file(classes, raw_type, expected):
    assert _typed_labels(classes, raw_type).tolist() == expected


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("name", list(MODELS))
def test_rows_predicted_in_pieces_are_those_predicted_at_once(rows_of, monkeypatch, name, task):
    rows = rows_of(task)
    model = rows.fit(name)
    whole = model.predict(rows.X_new)
    monkeypatch.setattr(_serving, "PREDICTED_ROWS", 7)
    np.testing.assert_allclose(model.predict(rows.X_new), whole, rtol=1e-12)
    assert len(model.predict(rows.X_new[:0])) == 0

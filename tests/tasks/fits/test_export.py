from __future__ import annotations

import pandas as pd

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.export import serving_spec


def test_serving_knows_the_raw_type_of_every_feature_and_nothing_of_other_columns():
    raw = pd.DataFrame(
        {
            "customer_id": range(60),
            "visits": [1, None, 3, 5] * 15,
            "day": ["2026-01-31", "2026-02-01"] * 30,
            "flag": [True, False] * 30,
            "y": [0, 1] * 30,
        }
    )
    spec = serving_spec({"kind": "linear", "coefficients": [1.0]}, infer_schema(raw, "y"))
    assert spec["columns"] == [
        {"name": "visits", "kind": "numeric", "raw_type": "integer"},
        {"name": "day", "kind": "datetime", "raw_type": "string"},
        {"name": "flag", "kind": "categorical", "raw_type": "boolean", "levels": ["False", "True"]},
    ]
    assert spec["target"] == {"name": "y", "raw_type": "integer"} and spec["classes"] == ["0", "1"]
    assert spec["model"] == {"kind": "linear", "coefficients": [1.0]}


def test_a_regression_has_no_classes():
    raw = pd.DataFrame({"x": [0.5, 1.5, 2.5], "price": [1.5, 2.5, 4.0]})
    assert serving_spec({}, infer_schema(raw, "price"))["classes"] == []

"""The suite of raw rows: one table that passes, and one that fails per expectation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.expectations import raw
from tests.expectations.tables import SCHEMA, Spoil, column, failures, raw_table, set_cell, set_column

RANGE_RULE = {"kind": "range", "column": "age", "minimum": 18.0, "maximum": None}


def raw_suite() -> Any:
    return raw.suite(
        {"schema": SCHEMA, "key": "id", "time": "since", "rules": [RANGE_RULE], "rule_columns": [1]}
    )


def test_a_raw_table_in_order_passes() -> None:
    assert failures(raw_table(), raw_suite(), "_realmix_row") == {}


@pytest.mark.parametrize(
    ("spoil", "expectation", "severity"),
    [
        (lambda t: t.drop(columns="job"), "table_columns_to_match_set:None", "critical"),
        (lambda t: t.iloc[:59], "table_row_count_to_be_between:None", "critical"),
        (set_cell("bought", None), "column_values_to_not_be_null:bought", "critical"),
        (set_cell("bought", "maybe"), "column_levels_to_be_known:bought", "critical"),
        (set_cell("id", None), "column_values_to_not_be_null:id", "critical"),
        (set_cell("id", 101), "row_key_to_be_unique:id", "critical"),
        (set_cell("since", pd.NaT), "column_values_to_not_be_null:since", "critical"),
        (set_cell("age", 17), "declared_range_to_hold:age", "critical"),
        (set_cell("_realmix_rule_1", True), "declared_rule_to_hold:_realmix_rule_1", "critical"),
        (set_cell("income", np.inf), "column_numbers_to_be_finite:income", "critical"),
        (set_column("income", [1.0] + [None] * 59), "column_values_to_not_be_null:income", "warning"),
        (set_cell("since", pd.Timestamp("1850-01-01")), "dates_to_be_plausible:since", "warning"),
        (set_column("job", "cook"), "column_unique_value_count_to_be_between:job", "info"),
        (
            lambda t: pd.concat([t, t.iloc[[0]].assign(id=9999)], ignore_index=True),
            "compound_columns_to_be_unique:None",
            "info",
        ),
    ],
)
def test_a_raw_table_fails_the_expectation_it_breaks(spoil: Spoil, expectation: str, severity: str) -> None:
    failed = failures(spoil(raw_table()), raw_suite(), "_realmix_row")
    assert failed[expectation].severity == severity


def test_text_in_a_number_column_raises_and_is_critical() -> None:
    failed = failures(set_column("income", "a lot")(raw_table()), raw_suite(), "_realmix_row")
    outcome = failed["column_numbers_to_be_finite:income"]
    assert outcome.exception and outcome.is_critical_failure and not outcome.sets_rows_aside


def test_an_info_expectation_on_a_missing_column_is_critical() -> None:
    failed = failures(raw_table().drop(columns="job"), raw_suite(), "_realmix_row")
    assert failed["column_unique_value_count_to_be_between:job"].is_critical_failure


@pytest.mark.parametrize(
    ("raw_type", "labels"), [("integer", [0, 1]), ("float", [0.5, 1.5]), ("boolean", [False, True])]
)
def test_classes_are_known_in_the_type_of_the_file(raw_type: str, labels: list[Any]) -> None:
    target = column("bought", "categorical", raw_type, role="target")
    schema = {**SCHEMA, "columns": [*SCHEMA["columns"][:-1], target], "classes": [str(v) for v in labels]}  # type: ignore[index]
    suite = raw.suite({"schema": schema, "key": None, "time": None, "rules": [], "rule_columns": []})
    assert failures(raw_table().assign(bought=labels * 30), suite, "_realmix_row") == {}

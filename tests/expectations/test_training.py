"""The suite of training tables: one that passes, and one that fails per expectation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.expectations import training
from tests.expectations.tables import SCHEMA, Spoil, failures, raw_table, set_cell, set_column


def training_table() -> pd.DataFrame:
    table = raw_table().drop(columns=["_realmix_row", "_realmix_rule_1"])
    proba = np.linspace(0, 1, len(table))
    return table.assign(
        _realmix_origin=["real"] * 40 + ["ctgan"] * 20,
        _realmix_weight=0.5,
        _realmix_seed=7,
        _realmix_snapshot="abc",
        _realmix_proba_no=1 - proba,
        _realmix_proba_yes=proba,
    )


def training_suite(**more: Any) -> Any:
    return training.suite(
        {"schema": SCHEMA, "n_real": 40, "synthesizers": ["ctgan"], "is_soft": True, **more}
    )


def test_a_training_table_in_order_passes() -> None:
    assert failures(training_table(), training_suite()) == {}


def test_a_row_may_weigh_nothing() -> None:
    assert failures(set_cell("_realmix_weight", 0.0)(training_table()), training_suite()) == {}


def test_a_training_table_with_hard_labels_passes() -> None:
    table = training_table().drop(columns=["_realmix_proba_no", "_realmix_proba_yes"])
    assert failures(table, training_suite(is_soft=False)) == {}


@pytest.mark.parametrize(
    ("spoil", "expectation"),
    [
        (lambda t: t.drop(columns="_realmix_seed"), "table_columns_to_match_set:None"),
        (set_column("surplus", 1), "table_columns_to_match_set:None"),
        (set_cell("bought", None), "column_values_to_not_be_null:bought"),
        (set_cell("_realmix_origin", None), "column_values_to_not_be_null:_realmix_origin"),
        (set_cell("_realmix_origin", "tvae"), "column_levels_to_be_known:_realmix_origin"),
        (set_cell("_realmix_origin", "ctgan"), "value_counts_to_equal:_realmix_origin"),
        (set_cell("_realmix_weight", -0.1), "column_values_to_be_between:_realmix_weight"),
        (set_cell("_realmix_weight", np.inf), "column_values_to_be_between:_realmix_weight"),
        (set_cell("_realmix_weight", None), "column_values_to_not_be_null:_realmix_weight"),
        (set_cell("_realmix_proba_no", 1.01), "column_values_to_be_between:_realmix_proba_no"),
        (set_cell("_realmix_proba_no", None), "column_values_to_not_be_null:_realmix_proba_no"),
        (set_cell("_realmix_proba_no", 0.9), "probabilities_to_sum_to_one:None"),
        (set_cell("_realmix_proba_no", None), "probabilities_to_sum_to_one:None"),
    ],
)
def test_a_training_table_fails_the_expectation_it_breaks(spoil: Spoil, expectation: str) -> None:
    assert failures(spoil(training_table()), training_suite())[expectation].is_critical_failure


@pytest.mark.parametrize(("value", "n_failed"), [(0.5, 0), (np.inf, 1)])
def test_soft_numbers_of_a_regression_must_be_finite(value: float, n_failed: int) -> None:
    schema = {**SCHEMA, "target": "income", "task": "regression", "classes": []}
    table = training_table().drop(columns=["_realmix_proba_no", "_realmix_proba_yes"])
    table = table.assign(income=0.5, _realmix_target=value)
    assert len(failures(table, training_suite(schema=schema))) == n_failed

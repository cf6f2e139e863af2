"""The suite of synthetic rows: one table that passes, and one that fails per expectation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.expectations import synthetic
from realmix.tasks.validation.run import run_suite
from tests.expectations.tables import SCHEMA, Spoil, failures, set_cell


def synthetic_table() -> pd.DataFrame:
    n = 40
    return pd.DataFrame(
        {
            "age": pd.array(np.arange(20, 20 + n), dtype="Int64"),
            "income": np.linspace(0, 1, n),
            "job": np.array(["cook", "nurse"] * (n // 2), dtype=object),
            "since": pd.date_range("2020-01-01", periods=n).astype("datetime64[ns]"),
            "bought": np.array(["no", "yes"] * (n // 2), dtype=object),
            "_realmix_rule_0": False,
            "_realmix_copies_real": False,
        }
    )


def synthetic_suite(**more: Any) -> Any:
    plain = {
        "schema": SCHEMA,
        "class_counts": {"no": 20, "yes": 20},
        "rule_columns": [0],
        "is_control": False,
    }
    return synthetic.suite({**plain, **more})


def test_a_synthetic_table_in_order_passes() -> None:
    assert failures(synthetic_table(), synthetic_suite()) == {}


@pytest.mark.parametrize(
    ("spoil", "expectation"),
    [
        (lambda t: t.drop(columns="job"), "table_columns_to_match_ordered_list:None"),
        (lambda t: t[[*t.columns[::-1]]], "table_columns_to_match_ordered_list:None"),
        (lambda t: t.astype({"age": float}), "column_types_to_be:None"),
        (set_cell("age", pd.NA), "no_value_to_be_missing:None"),
        (set_cell("bought", None), "no_value_to_be_missing:None"),
        (set_cell("job", "pilot"), "levels_to_be_known:None"),
        (set_cell("age", 80), "values_to_stay_in_range:None"),
        (set_cell("since", pd.Timestamp("2020-04-01")), "values_to_stay_in_range:None"),
        (set_cell("income", -np.inf), "values_to_stay_in_range:None"),
        (set_cell("bought", "yes"), "value_counts_to_equal:bought"),
        (set_cell("_realmix_rule_0", True), "declared_rule_to_hold:_realmix_rule_0"),
    ],
)
def test_a_synthetic_table_fails_the_expectation_it_breaks(spoil: Spoil, expectation: str) -> None:
    assert failures(spoil(synthetic_table()), synthetic_suite())[expectation].is_critical_failure


def test_a_failure_names_columns_and_counts_but_no_value() -> None:
    spoiled = set_cell("job", "pilot")(synthetic_table())
    assert failures(spoiled, synthetic_suite())["levels_to_be_known:None"].observed == {"job": 1}


def test_a_lost_column_raises_in_every_expectation_that_needs_it() -> None:
    failed = failures(synthetic_table().drop(columns="job"), synthetic_suite())
    assert failed["levels_to_be_known:None"].exception == "KeyError"


@pytest.mark.parametrize(("n_copies", "severities"), [(0, set()), (2, {"info"}), (3, {"info", "warning"})])
def test_copies_of_real_rows_are_told_and_many_are_a_warning(n_copies: int, severities: set[str]) -> None:
    table = synthetic_table()
    table["_realmix_copies_real"] = np.arange(len(table)) < n_copies
    copies = [
        e for e in run_suite(table, synthetic_suite()).expectations if e.column == "_realmix_copies_real"
    ]
    assert {e.severity for e in copies if not e.success} == severities
    assert all(e.unexpected_fraction == n_copies / 40 for e in copies if not e.success)


def test_a_control_may_copy() -> None:
    table = synthetic_table().drop(columns="_realmix_copies_real")
    assert failures(table, synthetic_suite(is_control=True)) == {}

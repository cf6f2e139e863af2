"""Each suite: one table that passes, and one that fails per expectation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.expectations import drift, raw, synthetic, training
from realmix.tasks.validation.results import ExpectationOutcome
from realmix.tasks.validation.run import run_suite

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def column(name: str, kind: str, raw_type: str, **more: Any) -> dict[str, Any]:
    plain = {"name": name, "kind": kind, "raw_type": raw_type, "role": "feature", "levels": []}
    return {**plain, "has_missing": False, "minimum": None, "maximum": None, **more}


SCHEMA = {
    "columns": [
        column("id", "identifier", "integer", role="key"),
        column("age", "numeric", "integer", minimum=20.0, maximum=79.0),
        column("income", "numeric", "float", minimum=0.0, maximum=1.0, has_missing=True),
        column("job", "categorical", "string", levels=["cook", "nurse"]),
        column("since", "datetime", "datetime", minimum="2020-01-01T00:00:00", maximum="2020-03-31T00:00:00"),
        column("bought", "categorical", "string", role="target", levels=["no", "yes"]),
    ],
    "target": "bought",
    "task": "binary",
    "classes": ["no", "yes"],
}
RANGE_RULE = {"kind": "range", "column": "age", "minimum": 18.0, "maximum": None}


def set_cell(name: str, value: Any) -> Spoil:
    """Put a value into the first row."""

    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[0, name] = value
        return frame

    return spoil


def set_column(name: str, value: Any) -> Spoil:
    return lambda frame: frame.assign(**{name: value})


def failures(frame: pd.DataFrame, suite: Any, row_column: str | None = None) -> dict[str, ExpectationOutcome]:
    found = run_suite(frame, suite, row_column=row_column).expectations
    return {f"{e.expectation.removeprefix('expect_')}:{e.column}": e for e in found if not e.success}


# --- raw


def raw_table() -> pd.DataFrame:
    n = 60
    return pd.DataFrame(
        {
            "id": range(100, 100 + n),
            "age": np.arange(20, 20 + n),
            "income": [None, *np.linspace(0, 1, n - 1)],
            "job": ["cook", "nurse"] * (n // 2),
            "since": pd.date_range("2020-01-01", periods=n),
            "bought": ["no", "no", "yes"] * (n // 3),
            "_realmix_row": range(n),
            "_realmix_rule_1": False,
        }
    )


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


# --- synthetic


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


# --- training


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


# --- drift


def drift_table() -> pd.DataFrame:
    """Numbers of bins, as full as those of the reference rows, and how new the rows look."""
    return pd.DataFrame({"age": [1, 2, 3, 4] * 15, "_realmix_domain_rank": [0.4, 0.6] * 29 + [None] * 2})


def drift_suite(**more: Any) -> Any:
    age = {"name": "age", "reference": {"0": 0, "1": 25, "2": 25, "3": 25, "4": 25}, "maximum": 0.1}
    domain = {"maximum": 0.55, "p_value": 0.5}
    return drift.suite({"columns": [{**age, "p_value": 0.5}], "prior": 0.5, "domain": domain, **more})


def test_new_rows_like_the_earlier_ones_pass() -> None:
    assert failures(drift_table(), drift_suite()) == {}
    assert failures(drift_table().drop(columns="_realmix_domain_rank"), drift_suite(domain=None)) == {}


@pytest.mark.parametrize(
    ("spoil", "expectation"),
    [
        (set_column("age", [1, 1, 1, 4] * 15), "column_psi_to_be_at_most:age"),
        (set_column("age", [0, 2, 3, 4] * 15), "column_psi_to_be_at_most:age"),
        (set_column("_realmix_domain_rank", 0.6), "domain_auc_to_be_at_most:_realmix_domain_rank"),
    ],
)
def test_drifted_rows_are_a_warning(spoil: Spoil, expectation: str) -> None:
    failed = failures(spoil(drift_table()), drift_suite())
    assert list(failed) == [expectation]
    assert failed[expectation].severity == "warning" and not failed[expectation].exception

"""The edge: bad rows are set aside, each table is held against its suite, then it stops."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import ValidationFailed
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.validation.tables import (
    gate_synthetic,
    validate_raw,
    validate_synthetic,
    validate_training,
)

Make = Callable[..., pd.DataFrame]


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_a_table_in_order_keeps_all_rows_and_stores_its_result(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make
) -> None:
    kept, outcome = validate_raw(table(), schema, card, tmp_path / "validation")
    pd.testing.assert_frame_equal(kept, table())
    assert outcome.failure is None
    assert {p.name for p in (tmp_path / "validation").iterdir()} == {"raw.json", "raw.suite.json", "raw.html"}


def test_bad_rows_go_to_quarantine_with_their_reasons_and_the_others_stay(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make
) -> None:
    raw = table().astype({"age": float})
    raw.loc[3, "age"] = 12
    raw.loc[5, "id"] = None
    raw.loc[5, "bought"] = None
    raw.loc[7, "id"] = raw.loc[8, "id"]
    raw.loc[9, "wealth"] = np.inf
    kept, outcome = validate_raw(raw, schema, card, tmp_path)
    bad = pd.read_parquet(tmp_path / "quarantine.parquet")
    assert list(bad.index) == [3, 5, 7, 8, 9] and len(kept) == 195 and not kept.index.isin(bad.index).any()
    assert bad.loc[3, "_realmix_reason"] == "expect_declared_range_to_hold: age"
    assert bad.loc[5, "_realmix_reason"] == (
        "expect_column_values_to_not_be_null: bought; expect_column_values_to_not_be_null: id"
    )
    assert "expect_column_numbers_to_be_finite: wealth" in bad.loc[9, "_realmix_reason"]
    assert outcome.to_dict()["n_bad_rows"] == 5


def test_rows_that_break_a_dependency_or_a_derived_rule_are_set_aside(tmp_path: Path, table: Make) -> None:
    raw = table().assign(months=lambda t: 12 * t["age"])
    raw.loc[3, ["age", "months", "job"]] = [20, 240, "cook"]
    raw.loc[5, "months"] += 1
    card = parse_card(
        {
            "target": "bought",
            "rules": [
                {"kind": "dependency", "when": "age < 21", "then": "job == 'nurse'"},
                {"kind": "derived", "column": "months", "expression": "age * 12"},
            ],
        }
    )
    kept, _ = validate_raw(raw, infer_schema(raw, "bought"), card, tmp_path)
    bad = pd.read_parquet(tmp_path / "quarantine.parquet")
    assert len(kept) == 198
    assert bad["_realmix_reason"].to_dict() == {
        3: "expect_declared_rule_to_hold: _realmix_rule_0",
        5: "expect_declared_rule_to_hold: _realmix_rule_1",
    }


def test_rows_that_break_a_rule_over_rows_are_set_aside_with_the_rule(tmp_path: Path, table: Make) -> None:
    raw = table().assign(visit=np.arange(200), seen=np.arange(200) + 1, code="A-1", ward="x", floor=3)
    raw.loc[3, "seen"] = 1
    raw.loc[5, "code"] = "A1"
    raw.loc[7, "visit"] = 6
    raw.loc[9, "floor"] = 4
    rules = [
        {"kind": "order", "columns": ["visit", "seen"]},
        {"kind": "pattern", "column": "code", "pattern": "A-[0-9]"},
        {"kind": "unique", "columns": ["visit"]},
        {"kind": "determines", "columns": ["ward"], "column": "floor"},
    ]
    card = parse_card({"target": "bought", "rules": rules})
    kept, _ = validate_raw(raw, infer_schema(raw, "bought"), card, tmp_path)
    bad = pd.read_parquet(tmp_path / "quarantine.parquet")
    assert bad["_realmix_reason"].to_dict() == {
        row: f"expect_declared_rule_to_hold: _realmix_rule_{rule}" for rule, row in enumerate((3, 5, 7, 9))
    }
    assert len(kept) == 196


def test_columns_of_the_table_named_like_our_own_stay_what_they_are(tmp_path: Path, table: Make) -> None:
    raw = table().assign(_row=7, _reason="none", _rule_0=True, _copies_real=1.5)
    raw.loc[3, "bought"] = None
    raw["_row"] += np.arange(200) % 2
    card = parse_card({"target": "bought", "rules": [{"kind": "range", "column": "age", "minimum": 0}]})
    schema = infer_schema(raw, "bought")
    kept, _ = validate_raw(raw, schema, card, tmp_path)
    assert list(set(raw.index) - set(kept.index)) == [3]
    assert pd.read_parquet(tmp_path / "quarantine.parquet")["_reason"].tolist() == ["none"]
    real = schema.apply(kept)
    assert validate_synthetic(real, real, schema, card).failure is None


def test_rows_are_named_by_place_whatever_the_index(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make
) -> None:
    raw = table().set_index(np.full(200, 7))
    raw.iloc[3, raw.columns.get_loc("age")] = 12
    kept, outcome = validate_raw(raw, schema, card, tmp_path)
    assert list(outcome.bad_rows) == [3] and len(kept) == 199


def test_all_of_many_bad_rows_are_found(schema: Schema, tmp_path: Path, card: DataCard, table: Make) -> None:
    raw = table(6000)
    raw.loc[: 6000 // 11, "age"] = 3
    _, outcome = validate_raw(raw, schema, card, tmp_path)
    assert len(outcome.bad_rows) == 6000 // 11 + 1


def test_a_tenth_of_bad_rows_stops_the_study_after_the_result_is_stored(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make
) -> None:
    raw = table()
    raw.loc[:19, "age"] = 3
    with pytest.raises(ValidationFailed, match="column 'age' is outside its declared range in 20 rows"):
        validate_raw(raw, schema, card, tmp_path)
    assert read(tmp_path, "raw.json")["is_usable"] is False
    assert len(pd.read_parquet(tmp_path / "quarantine.parquet")) == 20


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.drop(columns="job"), "job"),
        (lambda t: t.iloc[:40], "row count .*found 40"),
        (lambda t: t.assign(age="old"), "column 'age': .*raised TypeError"),
    ],
)
def test_a_failure_of_the_whole_table_stops_the_study(
    schema: Schema, tmp_path: Path, spoil: object, words: str, card: DataCard, table: Make
) -> None:
    with pytest.raises(ValidationFailed, match=words):
        validate_raw(spoil(table()), schema, card, tmp_path)  # type: ignore[operator]
    assert (tmp_path / "raw.html").exists()


def test_synthetic_rows_like_the_real_ones_pass(
    schema: Schema, card: DataCard, table: Make, canonical: Make
) -> None:
    assert validate_synthetic(canonical(1), schema.apply(table()), schema, card).failure is None


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("age", 95.0, "stay in range .*'age': 1"),
        ("age", 30.5, "types to be .*'age': 'float64'"),
        ("age", 19.0, "'_realmix_rule_2': .* 'declared rule to hold'"),
        ("age", np.nan, "no value to be missing .*'age': 1"),
        ("job", "pilot", "levels to be known .*'job': 1"),
        ("since", 0.0, "stay in range .*'since': 1"),
        ("since", "yesterday", "types to be .*'since': 'object'"),
    ],
)
def test_the_gate_names_the_column_and_the_count(
    schema: Schema, column: str, value: object, words: str, card: DataCard, table: Make, canonical: Make
) -> None:
    real = schema.apply(table()).astype({"age": float})
    if value == 19.0:
        real.loc[0, ["age", "job"]] = [18.0, "nurse"]
    rows = canonical(1).astype({"since": object} if value == "yesterday" else {})
    rows.loc[0, "job"] = "cook"
    rows.loc[0, column] = value
    failure = validate_synthetic(rows, real, schema, card).failure
    assert failure is not None and re.search(words, failure)


def test_levels_and_ranges_are_those_of_the_real_training_rows(
    schema: Schema, card: DataCard, table: Make, canonical: Make
) -> None:
    real = schema.apply(table())
    few = real[(real["age"] < 60) & (real["job"] == "cook")]
    failure = validate_synthetic(canonical(1), few, schema, card).failure
    assert failure is not None and "'job'" in failure and "'age'" in failure


def test_a_pool_without_a_column_is_refused_not_a_crash(
    schema: Schema, card: DataCard, table: Make, canonical: Make
) -> None:
    rows = canonical(1).drop(columns="job")
    failure = validate_synthetic(rows, schema.apply(table()), schema, card).failure
    assert "columns to match ordered list" in str(failure)


def test_copies_are_measured_but_controls_are_exempt(
    schema: Schema, card: DataCard, table: Make, canonical: Make
) -> None:
    real = schema.apply(table())
    rows = pd.concat([canonical(1, 90), real.iloc[:10]], ignore_index=True)
    outcome = validate_synthetic(rows, real, schema, card)
    assert outcome.failure is None
    assert [e.unexpected_fraction for e in outcome.warnings] == [0.1]
    assert not validate_synthetic(rows, real, schema, card, is_control=True).warnings


def test_class_counts_must_be_as_asked(schema: Schema, card: DataCard, table: Make, canonical: Make) -> None:
    rows = canonical(1)
    counts = {str(label): int(n) for label, n in rows["bought"].value_counts().items()}
    real = schema.apply(table())
    assert validate_synthetic(rows, real, schema, card, class_counts=counts).failure is None
    counts["yes"] += 1
    assert "value counts" in str(validate_synthetic(rows, real, schema, card, class_counts=counts).failure)


def test_the_gate_of_a_pool_counts_its_classes(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make, canonical: Make
) -> None:
    real, rows = schema.apply(table()), canonical(1)
    for surplus, words in ((0, "None"), (1, "value counts to equal")):
        counts = {str(label): int(n) + surplus for label, n in rows["bought"].value_counts().items()}
        failure = gate_synthetic(
            rows, real, schema, card, "smote", tmp_path, class_counts=counts, ships=False
        )
        assert words in str(failure)
        assert (tmp_path / "synthetic.html").exists() == bool(failure), "results of the refused alone"
    assert (
        gate_synthetic(rows, real, schema, card, "smote", tmp_path / "all", class_counts=None, ships=True)
        is None
    )
    assert (tmp_path / "all" / "synthetic.html").exists()


def test_controls_may_break_rules(schema: Schema, card: DataCard, table: Make, canonical: Make) -> None:
    real = schema.apply(table())
    real.loc[0, ["age", "job"]] = [18.0, "nurse"]
    rows = canonical(1)
    rows.loc[0, ["age", "job"]] = [18.0, "cook"]
    assert "declared rule" in str(validate_synthetic(rows, real, schema, card).failure)
    assert validate_synthetic(rows, real, schema, card, is_control=True).failure is None


def test_moments_between_two_seconds_stay_in_range(table: Make) -> None:
    raw = table().assign(since=pd.date_range("2020-01-01", periods=200, freq="1234567891ns"))
    schema = infer_schema(raw, "bought")
    rows = schema.apply(raw)
    card = DataCard(target="bought")
    assert validate_synthetic(rows, rows, schema, card, is_control=True).failure is None


def test_a_training_table_is_checked_with_or_without_soft_labels(
    schema: Schema, card: DataCard, training_table: Make
) -> None:
    frame = training_table()
    soft = frame.assign(_realmix_proba_no=0.25, _realmix_proba_yes=0.75)
    for training in (frame, soft):
        validate_training(training, schema, card, n_real=200, synthesizers=[])


def test_a_wrong_training_table_stops_after_its_result_is_stored(
    schema: Schema, tmp_path: Path, card: DataCard, training_table: Make
) -> None:
    frame = training_table().assign(_realmix_weight=-1.0)
    with pytest.raises(ValidationFailed, match="_realmix_weight"):
        validate_training(frame, schema, card, n_real=200, synthesizers=[], folder=tmp_path)
    assert read(tmp_path, "training.json")["is_usable"] is False


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_dates_are_judged_alike_whatever_their_resolution(table, card, schema, tmp_path, unit):
    raw = table()
    text = raw.assign(since=raw["since"].where(raw.index != 3, "1850-01-01"))
    typed = text.assign(since=pd.to_datetime(text["since"], format="ISO8601").astype(f"datetime64[{unit}]"))
    of_text, of_typed = (validate_raw(rows, schema, card, tmp_path)[1].expectations for rows in (text, typed))
    assert of_typed == of_text
    assert [e.unexpected_count for e in of_typed if e.expectation == "expect_dates_to_be_plausible"] == [1]


def test_dates_beyond_nanoseconds_are_judged_too(table, card, schema, tmp_path):
    raw = table()
    far = np.array(raw["since"].str.slice(0, 10), dtype="datetime64[s]")
    far[5] = np.datetime64("9999-12-31")
    found = validate_raw(raw.assign(since=far), schema, card, tmp_path)[1].expectations
    assert [e.unexpected_count for e in found if e.expectation == "expect_dates_to_be_plausible"] == [1]

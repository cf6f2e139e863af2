from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.infer_schema import infer_schema, infer_task
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.served_rows import canonical_features

N_ROWS = 60


def every_kind(n_rows: int = N_ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "row_id": np.arange(n_rows),
            "amount": rng.normal(size=n_rows),
            "visits": rng.integers(0, 50, n_rows),
            "visits with gaps": np.where(rng.random(n_rows) < 0.2, np.nan, rng.integers(0, 50, n_rows)),
            "code": rng.choice([0, 1], n_rows),
            "code with gaps": rng.choice([0.0, 1.0, np.nan], n_rows),
            "town": rng.choice(["Oulu", "Lund", None], n_rows),
            "flag": rng.choice([True, False], n_rows),
            "flag with gaps": pd.Series(rng.choice([True, False, None], n_rows), dtype=object),
            "day": pd.date_range("2026-01-01", periods=n_rows).astype(str),
            "moment": pd.date_range("1969-12-31 12:00", periods=n_rows, freq="h"),
            "nothing": np.nan,
            "shop": "one",
            "year": 2026,
            "note": [f"this is quite a long remark of a person, number {i}" for i in range(n_rows)],
            "target": rng.choice([0, 1], n_rows),
        }
    )


@pytest.fixture
def schema() -> Schema:
    return infer_schema(every_kind(), "target")


def test_every_column_is_known_for_what_it_is(schema):
    assert {c.name: (c.kind, c.raw_type) for c in schema.columns} == {
        "row_id": ("identifier", "integer"),
        "amount": ("numeric", "float"),
        "visits": ("numeric", "integer"),
        "visits with gaps": ("numeric", "integer"),
        "code": ("categorical", "integer"),
        "code with gaps": ("categorical", "integer"),
        "town": ("categorical", "string"),
        "flag": ("categorical", "boolean"),
        "flag with gaps": ("categorical", "boolean"),
        "day": ("datetime", "string"),
        "moment": ("datetime", "datetime"),
        "nothing": ("empty", "float"),
        "shop": ("constant", "string"),
        "year": ("constant", "integer"),
        "note": ("text", "string"),
        "target": ("categorical", "integer"),
    }
    assert schema["town"].has_missing and not schema["visits"].has_missing


def test_a_canonical_frame_holds_numbers_and_text_only(schema):
    raw = every_kind()
    canonical = schema.apply(raw)
    assert canonical.columns.tolist() == [*schema.feature_names, "target"]
    assert set(map(str, canonical.dtypes)) == {"float64", "object"}
    assert set(canonical["code with gaps"].dropna()) == {"0", "1"}
    assert (canonical.isna().sum() == raw[canonical.columns].isna().sum()).all()
    assert canonical["moment"].iloc[0] == -12 * 3600


def test_restoring_gives_back_values_types_and_order(schema):
    raw = every_kind()
    restored = schema.restore(schema.apply(raw))
    assert restored.columns.tolist() == raw.columns.tolist()
    assert (restored["code"] == raw["code"]).all() and (restored["target"] == raw["target"]).all()
    assert (restored["moment"] == raw["moment"]).all()
    assert (restored["flag"] == raw["flag"]).all()
    assert np.array_equal(restored["amount"], raw["amount"])
    assert (restored["shop"] == "one").all() and (restored["year"] == 2026).all()
    assert restored["note"].isna().all() and restored["row_id"].isna().all()


def test_restored_rows_are_canonical_again(schema):
    canonical = schema.apply(every_kind())
    pd.testing.assert_frame_equal(schema.apply(schema.restore(canonical)), canonical)


def test_missing_dates_are_restored_whatever_lies_in_freed_memory():
    moments = pd.Series(pd.date_range("2026-01-01", periods=8)).mask([True, False] * 4)
    raw = pd.DataFrame({"moment": moments, "y": ["no", "yes"] * 4})
    schema = infer_schema(raw, "y")
    canonical = schema.apply(raw)
    del [np.full(8, 1e308) for _ in range(20)][:]
    assert schema.restore(canonical)["moment"].equals(raw["moment"])


def test_a_0_1_integer_target_is_two_classes(schema):
    assert (schema.task, schema.classes, schema.positive) == ("binary", ("0", "1"), "1")
    raw = every_kind()
    assert np.array_equal(schema.encode_target(schema.apply(raw)), raw["target"])
    assert schema.one_hot_target(schema.apply(raw)).sum() == N_ROWS


def test_floats_and_integers_of_one_code_are_the_same_level(schema):
    raw = every_kind()
    as_floats = raw.astype({"code": float, "target": float})
    pd.testing.assert_frame_equal(schema.apply(as_floats), schema.apply(raw))


def test_a_level_that_never_reached_the_reference_becomes_missing(schema):
    canonical = schema.apply(every_kind())
    reference = canonical[canonical["town"] != "Oulu"]
    aligned = schema.align(canonical, reference)
    assert len(aligned) == N_ROWS
    assert set(aligned["town"].dropna()) == {"Lund"}


def test_unknown_levels_stay_in_canonical_rows(schema):
    raw = every_kind()
    raw.loc[0, "town"] = "Ghent"
    assert schema.apply(raw)["town"].iloc[0] == "Ghent"


def test_rows_without_a_usable_target_are_dropped_when_aligned(schema):
    canonical = schema.apply(every_kind())
    broken = canonical.copy()
    broken.loc[:4, "target"] = [None, "2", "", "0", "1"]
    assert len(schema.align(broken, canonical)) == N_ROWS - 3


def test_a_missing_feature_is_named(schema):
    with pytest.raises(BadInput, match="town"):
        schema.apply(every_kind().drop(columns="town"))


def test_the_target_may_be_absent_when_predicting(schema):
    canonical = schema.apply(every_kind().drop(columns="target"))
    assert canonical.columns.tolist() == schema.feature_names


def test_text_among_numbers_is_one_sentence(schema):
    raw = every_kind().astype({"amount": object})
    raw.loc[0, "amount"] = "secret"
    with pytest.raises(BadInput, match="'amount' holds text") as caught:
        schema.apply(raw)
    assert "secret" not in str(caught.value)


def test_a_schema_survives_json(schema):
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["no", "yes"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([0, 1], "binary"),
        ([True, False], "binary"),
        ([1.0, 2.0, 3.0], "multiclass"),
        (list(range(10)), "multiclass"),
        (list(range(11)), "regression"),
        ([0.5, 1.0, 1.5], "regression"),
    ],
)
def test_the_task_is_inferred_from_the_target(values, task):
    assert infer_task(pd.Series(values * 10)) == task


def test_the_positive_class_reads_like_yes_or_is_the_rarer_one():
    raw = pd.DataFrame({"x": range(6), "a": ["yes"] * 4 + ["no"] * 2, "b": ["red"] * 4 + ["blue"] * 2})
    assert infer_schema(raw, "a").positive == "yes"
    assert infer_schema(raw, "b").positive == "blue"


numbers = st.one_of(st.none(), st.floats(-1e9, 1e9), st.integers(-(10**9), 10**9))
columns: dict[str, st.SearchStrategy[Any]] = {
    "number": numbers,
    "integer": st.one_of(st.none(), st.integers(-(2**53), 2**53)),
    "code": st.one_of(st.none(), st.integers(0, 1)),
    "flag": st.one_of(st.none(), st.booleans()),
    "word": st.one_of(st.none(), st.sampled_from(["a", "b", " c", "ü", "1"])),
    "moment": st.one_of(
        st.none(),
        st.datetimes(pd.Timestamp(1900, 1, 1), pd.Timestamp(2100, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    n_rows = draw(st.integers(4, 12))
    data = {
        name: draw(st.lists(values, min_size=n_rows, max_size=n_rows)) for name, values in columns.items()
    }
    return pd.DataFrame(data).assign(y=["no", "yes"] * (n_rows // 2) + ["no"] * (n_rows % 2))


@settings(max_examples=80, deadline=None)
@given(raw=tables())
def test_any_table_survives_apply_and_restore(raw):
    schema = infer_schema(raw, "y")
    canonical = schema.apply(raw)
    restored = schema.restore(canonical)
    assert restored.columns.tolist() == raw.columns.tolist()
    modelled = [c.name for c in schema.modelled]
    assert restored[modelled].isna().equals(raw[modelled].isna())
    pd.testing.assert_frame_equal(schema.apply(restored), canonical)


@settings(max_examples=80, deadline=None)
@given(
    raw=tables(), wild=st.lists(st.one_of(st.none(), st.floats(), st.text("abz1")), min_size=5, max_size=5)
)
def test_aligned_rows_keep_within_the_reference_s_ranges_and_levels(raw, wild):
    schema = infer_schema(raw, "y")
    reference = schema.apply(raw)
    target = ["no", "yes", None, "perhaps", "no"]
    synthetic = pd.DataFrame({name: pd.Series(wild, dtype=object) for name in schema.feature_names})
    aligned = schema.align(synthetic.assign(y=target), reference)
    assert len(aligned) == 3
    assert aligned.dtypes.equals(reference.dtypes) and list(aligned) == list(reference)
    for column in schema.features:
        got, known = aligned[column.name].dropna(), reference[column.name].dropna()
        if column.is_categorical:
            assert set(got) <= set(known)
        else:
            assert got.between(known.min(), known.max()).all()
        if not reference[column.name].isna().any() and not column.is_categorical:
            assert aligned[column.name].notna().all()


def test_whole_floats_among_objects_are_the_levels_of_integers():
    schema = infer_schema(every_kind(), "target")
    mixed = every_kind().assign(code=pd.Series([0.0, 1.0, "other"] * 20, dtype=object))
    assert schema.apply(mixed)["code"].unique().tolist() == ["0", "1", "other"]
    features = [{"name": "code", "kind": "categorical", "raw_type": "integer"}]
    assert canonical_features(mixed, features)["code"].unique().tolist() == ["0", "1", "other"]


@pytest.mark.parametrize(
    "times", [np.arange(N_ROWS), np.arange(N_ROWS) % 2, np.repeat(["2026-01-01", "x"], 30)]
)
def test_time_is_a_number_or_a_date_and_never_a_name(times):
    schema = infer_schema(every_kind().assign(when=times), "target", roles={"when": "time"})
    assert schema["when"].kind in ("numeric", "datetime") and schema["when"].is_feature


def test_columns_that_no_model_sees_can_be_read_in_canonical_types_too():
    raw = pd.DataFrame({"sex": ["f", None, "m"], "age": [30, 41, 52], "note": [3, 1, 2], "y": [1, 0, 1]})
    schema = infer_schema(raw, "y", roles={"sex": "ignored", "age": "ignored"}, kinds={"note": "text"})
    read = schema.canonical_columns(raw, ["sex", "age", "note"])
    assert read["sex"].tolist() == ["f", None, "m"]
    assert read["age"].dtype == float
    assert read["note"].tolist() == ["3", "1", "2"]
    assert schema.canonical_columns(raw, []).shape == (3, 0)

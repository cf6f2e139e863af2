import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.splits.holdout import (
    hash_cells,
    hash_units,
    holdout_side,
    register_holdout,
    why_no_holdout,
)
from realmix.tasks.core.table.infer_schema import infer_schema


def table(n_rows=600, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "income": rng.normal(1000, 200, n_rows),
            "job": rng.choice(["a", "b", None], n_rows),
            "y": np.where(rng.random(n_rows) < 0.1, "yes", "no"),
        }
    )


@pytest.fixture
def registered():
    raw = table()
    schema = infer_schema(raw, "y")
    return raw, schema, register_holdout(raw, schema)


def test_a_row_never_changes_sides_as_the_table_grows(registered):
    raw, schema, rule = registered
    before = holdout_side(raw, schema, rule)
    grown = pd.concat([table(300, seed=1), raw, table(200, seed=2)], ignore_index=True)
    assert (holdout_side(grown, schema, rule)[300:900] == before).all()


@pytest.mark.parametrize("new", [2, 0.5, "unknown"])
def test_a_new_value_that_changes_a_column_s_type_moves_no_row(new):
    raw = table().assign(code=np.arange(600) % 2, day=pd.date_range("2026-01-01", periods=600).astype(str))
    schema = infer_schema(raw, "y")
    rule = register_holdout(raw, schema)
    grown = pd.concat([raw, raw.tail(1).assign(code=new, income=new, day=new)], ignore_index=True)
    side = holdout_side(grown, infer_schema(grown, "y"), rule)[:600]
    assert (side == holdout_side(raw, schema, rule)).all()


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_numbers_and_their_text_are_one_value(numbers):
    values = pd.Series(numbers)
    assert (hash_cells(values) == hash_cells(values.map(repr).astype(object))).all()


def test_equal_cells_have_equal_hashes_in_any_type():
    assert len({int(hash_cells(pd.Series([cell]))[0]) for cell in (1, 1.0, True, "1", "1.0", "true")}) == 1
    assert len({int(hash_cells(pd.Series([gap]))[0]) for gap in (None, np.nan, pd.NaT, pd.NA)}) == 1
    texts = pd.Series(["2026-01-31", "2026-01-31T10:00:00", "2026-01-31T10:00:00.5", None])
    assert (hash_cells(pd.to_datetime(texts, format="ISO8601")) == hash_cells(texts)).all()
    assert len(set(hash_cells(pd.Series(["a", "1", "2", None])))) == 4


def test_large_keys_keep_apart():
    assert len(np.unique(hash_cells(pd.Series(np.arange(10**12, 10**12 + 1000))))) == 1000


def test_keys_may_change_their_type():
    raw = table().assign(person=np.arange(600) % 150)
    roles = {"person": "key"}
    schema = infer_schema(raw, "y", roles=roles)
    rule = register_holdout(raw, schema)
    for written in (raw["person"].astype(float), raw["person"].astype(str)):
        other = raw.assign(person=written)
        assert (
            holdout_side(other, infer_schema(other, "y", roles=roles), rule)
            == holdout_side(raw, schema, rule)
        ).all()


def test_a_frozen_column_counts_as_long_as_it_is_there(registered):
    raw, schema, rule = registered
    without = infer_schema(raw, "y", roles={"age": "ignored"})
    assert (holdout_side(raw, without, rule) == holdout_side(raw, schema, rule)).all()
    with pytest.raises(BadInput, match="lacks: age"):
        holdout_side(raw.drop(columns="age"), without, rule)


def test_a_rule_of_the_other_way_to_split_is_refused(registered):
    raw, schema, rule = registered
    by_time = infer_schema(raw, "y", roles={"age": "time"})
    with pytest.raises(BadInput, match=r"by hash but .* 'age'"):
        holdout_side(raw, by_time, rule)
    with pytest.raises(BadInput, match=r"in time but .* no time column"):
        holdout_side(raw, schema, register_holdout(raw, by_time))


@pytest.mark.parametrize("shares", [[300, 100, 100, 100], [10, 10, 10, 570], [570, 10, 10, 10]])
def test_a_few_distinct_times_leave_rows_on_both_sides(shares):
    raw = table().assign(year=np.repeat([2020, 2021, 2022, 2023], shares))
    schema = infer_schema(raw, "y", roles={"year": "time"})
    side = holdout_side(raw, schema, register_holdout(raw, schema))
    assert side.any() and raw["year"][~side].nunique() == 3


def test_a_new_column_moves_no_row(registered):
    raw, schema, rule = registered
    wider = raw.assign(extra=np.arange(len(raw)) % 7)
    assert (holdout_side(wider, infer_schema(wider, "y"), rule) == holdout_side(raw, schema, rule)).all()


def test_a_corrected_label_keeps_its_side(registered):
    raw, schema, rule = registered
    corrected = raw.assign(y=raw["y"].map({"yes": "no", "no": "yes"}))
    assert (holdout_side(corrected, schema, rule) == holdout_side(raw, schema, rule)).all()


def test_duplicates_stay_on_one_side(registered):
    raw, schema, rule = registered
    twice = pd.concat([raw, raw], ignore_index=True)
    side = holdout_side(twice, schema, rule)
    assert (side[: len(raw)] == side[len(raw) :]).all()


def test_holdout_is_about_a_fifth_with_the_classes_of_the_table(registered):
    raw, schema, rule = registered
    side = holdout_side(raw, schema, rule)
    assert 0.17 < side.mean() < 0.23
    positive = (raw["y"] == "yes").to_numpy()
    assert abs(positive[side].mean() - positive.mean()) < 0.01


def test_rows_of_one_key_stay_together():
    raw = table().assign(person=np.arange(600) % 150)
    schema = infer_schema(raw, "y", roles={"person": "key"}, kinds={"person": "identifier"})
    side = holdout_side(raw, schema, register_holdout(raw, schema))
    assert (pd.Series(side).groupby(raw["person"]).nunique() == 1).all()


def test_time_ordered_holdout_is_the_latest_rows():
    raw = table().assign(day=pd.date_range("2020-01-01", periods=600).strftime("%Y-%m-%d"))
    schema = infer_schema(raw, "y", roles={"day": "time"})
    rule = register_holdout(raw, schema)
    side = holdout_side(raw, schema, rule)
    assert side.tolist() == sorted(side.tolist())
    assert 0.15 < side.mean() <= 0.2
    later = pd.concat([raw, raw.tail(1).assign(day="2030-01-01")], ignore_index=True)
    assert (holdout_side(later, schema, rule)[:600] == side).all()


def test_small_holdouts_are_refused_with_the_reason():
    raw = table(300)
    schema = infer_schema(raw, "y")
    codes = schema.encode_target(schema.apply(raw))
    assert "60 rows" in why_no_holdout(codes[:60], schema)
    assert "class 'yes'" in why_no_holdout(np.zeros(150, dtype=int), schema)
    assert why_no_holdout(np.repeat([0, 1], 60), schema) is None


def test_hashing_does_not_depend_on_row_order_or_other_rows(registered):
    raw, schema, rule = registered
    shuffled = raw.sample(frac=1, random_state=0)
    whole = pd.Series(hash_units(raw, schema, rule.columns), index=raw.index)
    assert (hash_units(shuffled, schema, rule.columns) == whole[shuffled.index].to_numpy()).all()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_moment_hashes_as_its_shortest_text_whatever_stands_beside_it(unit):
    texts = ["2026-01-31", "2026-10-10T10:00:00", "1999-12-31T23:59:50"]
    finer = ["2026-01-31T00:00:00.5", "2026-01-31T00:00:00.00001"][: {"s": 0, "ms": 1}.get(unit, 2)]
    moments = pd.Series(np.array([*texts, *finer, "NaT"], dtype=f"datetime64[{unit}]"))
    together = hash_cells(moments)
    assert together.tolist() == hash_cells(pd.Series([*texts, *finer, None], dtype=object)).tolist()
    assert together.tolist() == [hash_cells(moments[i : i + 1])[0] for i in range(len(moments))]

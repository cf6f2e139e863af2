import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.schema import infer_schema
from tasks.core.splitting import (
    hash_units,
    holdout_side,
    make_folds,
    make_time_folds,
    register_holdout,
    training_rows,
    why_no_holdout,
)


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


@settings(deadline=None, max_examples=25)
@given(st.integers(60, 200), st.integers(2, 5), st.integers(0, 10**6))
def test_every_row_is_validated_once_per_repeat_and_groups_stay_whole(n_rows, n_folds, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % 3
    groups = rng.integers(0, n_rows // 2, n_rows)
    folds = make_folds(y, groups, "multiclass", n_folds=n_folds, n_repeats=2, seed=seed)
    assert folds.shape == (2, n_rows)
    for of_repeat in folds:
        assert set(of_repeat) == set(range(n_folds))
        assert (pd.Series(of_repeat).groupby(groups).nunique() == 1).all()


def test_folds_keep_the_share_of_a_rare_class():
    y = (np.arange(1000) % 20 == 0).astype(int)
    folds = make_folds(y, np.arange(1000), "binary", n_folds=5, n_repeats=1, seed=0)[0]
    assert [int(y[folds == k].sum()) for k in range(5)] == [10] * 5


def test_regression_folds_spread_the_target_evenly():
    y = np.linspace(0, 1, 500)
    folds = make_folds(y, np.arange(500), "regression", n_folds=5, n_repeats=1, seed=0)[0]
    assert np.ptp([y[folds == k].mean() for k in range(5)]) < 0.05


def test_forward_folds_only_train_on_what_came_before():
    moments = np.random.default_rng(0).permutation(300).astype(float)
    folds = make_time_folds(moments, n_folds=4)
    for fold in range(4):
        train = training_rows(folds, 0, fold, forward=True)
        assert len(train) > 0
        assert moments[train].max() < moments[folds[0] == fold].min()


def test_other_folds_are_the_training_rows_otherwise():
    folds = np.array([[0, 1, 2, 0]])
    assert training_rows(folds, 0, 0, forward=False).tolist() == [1, 2]

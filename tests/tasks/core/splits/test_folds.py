from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.splits.folds import make_folds, make_time_folds, training_rows


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


@given(
    st.lists(st.integers(0, 8), min_size=2, max_size=80).filter(lambda m: len(set(m)) > 1), st.integers(2, 6)
)
def test_no_forward_fold_is_empty_or_parts_a_time(moments, n_folds):
    folds = make_time_folds(np.array(moments, dtype=float), n_folds=n_folds)[0]
    expected = min(n_folds, len(set(moments)) - 1)
    assert set(folds) == set(range(-1, expected))
    assert (pd.Series(folds).groupby(moments).nunique() == 1).all()
    assert (np.diff(folds[np.argsort(moments, kind="stable")]) >= 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 6), st.integers(0, 10**6))
def test_few_groups_make_fewer_folds_and_none_is_empty(n_groups, seed):
    rng = np.random.default_rng(seed)
    groups = np.append(np.arange(n_groups), rng.integers(0, n_groups, 100))
    y = np.append(np.zeros(n_groups), rng.random(100) < 0.5).astype(int)
    for of_repeat in make_folds(y, groups, "binary", n_folds=5, n_repeats=2, seed=seed):
        assert 2 <= len(set(of_repeat)) <= min(n_groups, 5)
        assert set(of_repeat) == set(range(of_repeat.max() + 1))
        assert (pd.Series(of_repeat).groupby(groups).nunique() == 1).all()


def test_a_class_within_one_group_still_has_folds():
    y = np.repeat([0, 1], [80, 20])
    groups = np.append(np.arange(80) % 7, np.full(20, 7))
    folds = make_folds(y, groups, "binary", n_folds=5, n_repeats=1, seed=0)[0]
    assert set(folds) == {0, 1}

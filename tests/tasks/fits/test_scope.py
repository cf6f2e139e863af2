from __future__ import annotations

import dataclasses
import os

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.fits.scope import (
    DEVELOPMENT,
    GROUP,
    HOLDOUT,
    WEIGHT,
    StudyContext,
    feature_groups,
    free_rows,
    stored_rows,
    write_rows,
    write_scope,
)
from tests.tasks.scopes import scope_of


def test_rows_with_equal_features_are_one_group(scope):
    twice = pd.concat([scope.training.head(5)] * 2, ignore_index=True)
    twice["y"] = ["yes"] * 5 + ["no"] * 5
    assert feature_groups(twice, scope.context.schema).tolist() == [0, 1, 2, 3, 4] * 2


def test_the_target_takes_no_part_in_what_rows_are_equal(scope):
    one = scope.training.head(1)
    pair = pd.concat([one.assign(y="yes"), one.assign(y="no"), one.assign(age=-1.0)], ignore_index=True)
    assert feature_groups(pair, scope.context.schema).tolist() == [0, 0, 1]


def test_a_context_survives_its_file(tmp_path, scope):
    context = dataclasses.replace(scope.context, seed=7, on_gpu=("xgboost",))
    context.write(tmp_path / "context.json")
    assert StudyContext.read(tmp_path / "context.json") == context


def test_a_context_that_was_written_again_is_read_again(scope):
    path = scope.folder.parent / "context.json"
    assert scope.context.seed == 0
    dataclasses.replace(scope.context, seed=1).write(path)
    os.utime(path, ns=(1, 1))
    assert scope.context.seed == 1


def test_seeds_differ_by_purpose_scope_and_study(scope, tmp_path):
    other = scope_of(scope.folder.parent / "fold-0-1", scope.training, np.ones(200), np.arange(200))
    seeds = [scope.seed("fit"), scope.seed("sample"), scope.seed("fit", 1), other.seed("fit")]
    dataclasses.replace(scope.context, seed=1).write(scope.folder.parent / "context.json")
    seeds.append(scope.seed("fit"))
    assert len(set(seeds)) == 5


def test_a_scope_of_all_rows_has_them_in_the_order_of_the_table_and_a_fold_opens_no_holdout(scope, tmp_path):
    rows = scope.training
    is_held = np.arange(200) % 5 == 0
    for name, side in ((DEVELOPMENT, ~is_held), (HOLDOUT, is_held)):
        write_rows(
            tmp_path / "w" / name,
            rows[side],
            **{WEIGHT: rows["age"][side].to_numpy(), GROUP: np.flatnonzero(side)},
        )
    order = np.argsort(np.argsort(is_held, kind="stable"), kind="stable")
    whole = write_scope(tmp_path / "w" / "shipped", order)
    pd.testing.assert_frame_equal(whole.training, rows)
    assert whole.groups.tolist() == list(range(200))
    np.testing.assert_array_equal(whole.base_weight, rows["age"])
    (tmp_path / "w" / HOLDOUT).unlink()
    fold = write_scope(tmp_path / "w" / "fold-0-0", np.arange(100), np.arange(100, 160))
    pd.testing.assert_frame_equal(fold.validation, rows[~is_held][100:].reset_index(drop=True))


def test_the_rows_themselves_are_not_decoded_for_what_stands_beside_them(scope):
    free_rows()
    stored = stored_rows(scope.folder.parent / DEVELOPMENT)
    assert len(scope.base_weight) == len(scope.groups) and "rows" not in vars(stored)
    assert len(scope.training) == len(scope.groups) and "rows" in vars(stored)


def test_predictions_come_back_within_single_precision_and_of_two_classes_one_is_kept(scope):
    p = np.append(np.random.default_rng(0).random(146), [0.0, 1.0, 0.5, 2e-22]).reshape(3, 50)
    given = np.stack([1 - p, p], axis=-1)
    given[0, :2] = [[1e-20, 1.0], [1.0, 1e-20]]
    scope.write_predictions("p.npy", given)
    assert scope.read_array("p.npy").nbytes == 4 * p.size
    back = scope.read_predictions("p.npy")
    np.testing.assert_allclose(back, given, rtol=1.2e-7, atol=0)
    np.testing.assert_array_equal(back.sum(axis=-1), 1)


def test_a_scope_without_validation_rows_has_no_such_file(scope, tmp_path):
    whole = scope_of(scope.folder.parent / "shipped", scope.training, np.ones(200), np.arange(200))
    pd.testing.assert_frame_equal(whole.training, scope.training)
    assert not whole.has_validation and scope.has_validation
    with pytest.raises(FileNotFoundError):
        _ = whole.validation


def test_only_what_the_plan_puts_on_the_gpu_is_moved_there():
    class Built:
        device = "cpu"

        def to(self, device):
            self.device = device
            return self

    context = StudyContext(None, None, "snapshot", 0, on_gpu=("ctgan",))
    assert context.placed("ctgan", Built()).device == "cuda"
    assert context.placed("tvae", Built()).device == "cpu"

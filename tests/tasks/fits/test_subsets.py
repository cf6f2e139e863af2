"""Subsets of a fold as scopes of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES
from realmix.tasks.fits.scope import Scope, StudyContext
from realmix.tasks.fits.subsets import cut_subsets, subset_name


def cut(scope: Scope, into: Path) -> tuple[list[int], list[Scope]]:
    into.mkdir()
    scope.context.write(into / "context.json")
    n_rows = cut_subsets(str(scope.folder), str(into))
    return n_rows, [Scope(into / subset_name(scope.name, share)) for share in CURVE_SHARES[:-1]]


def test_subsets_hold_training_rows_of_the_fold_and_its_validation_rows(scope, tmp_path):
    n_rows, subsets = cut(scope, tmp_path / "curve")
    assert n_rows == [50, 71, 100, 141, 200]
    share = (scope.training["y"] == "yes").mean()
    for subset, larger in zip(subsets, [*subsets[1:], scope], strict=True):
        pd.testing.assert_frame_equal(subset.validation, scope.validation)
        assert set(subset.training["age"]) < set(larger.training["age"])
        assert abs((subset.training["y"] == "yes").mean() - share) < 0.02
        assert len(subset.training) == len(subset.base_weight) == len(subset.groups)


def test_weights_and_groups_follow_their_rows(scope, tmp_path):
    rows = scope.training
    scope.write_array("weight.npy", rows["age"].to_numpy())
    scope.write_array("groups.npy", np.arange(200) // 4)
    _, subsets = cut(scope, tmp_path / "curve")
    for subset in subsets:
        np.testing.assert_array_equal(subset.base_weight, subset.training["age"])
        assert set(np.bincount(subset.groups)) <= {0, 4}, "a group is there as a whole, or not at all"


def test_another_study_seed_cuts_other_rows(scope, tmp_path):
    _, first = cut(scope, tmp_path / "curve")
    context = scope.context
    other = tmp_path / "other"
    other.mkdir()
    StudyContext(context.schema, context.card, context.snapshot, 1).write(other / "context.json")
    scope.folder.rename(other / scope.name)
    _, second = cut(Scope(other / scope.name), other / "curve")
    assert set(first[0].training["age"]) != set(second[0].training["age"])

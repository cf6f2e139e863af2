"""Subsets of a fold as scopes of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES
from realmix.tasks.fits.scope import GROUP, WEIGHT, Scope, StudyContext
from realmix.tasks.fits.subsets import cut_subsets, subset_name, thin_slice, thinned_name
from tests.tasks.scopes import set_beside


def cut(scope: Scope) -> tuple[list[int], list[Scope]]:
    n_rows = cut_subsets(scope.folder)
    return n_rows, [
        Scope(scope.folder.parent / subset_name(scope.name, share)) for share in CURVE_SHARES[:-1]
    ]


def test_subsets_hold_training_rows_of_the_fold_and_its_validation_rows(scope):
    n_rows, subsets = cut(scope)
    assert n_rows == [50, 71, 100, 141, 200]
    share = (scope.training["y"] == "yes").mean()
    for subset, larger in zip(subsets, [*subsets[1:], scope], strict=True):
        pd.testing.assert_frame_equal(subset.validation, scope.validation)
        assert set(subset.training["age"]) < set(larger.training["age"])
        assert abs((subset.training["y"] == "yes").mean() - share) < 0.02
        assert len(subset.training) == len(subset.base_weight) == len(subset.groups)


def test_weights_and_groups_follow_their_rows(scope):
    set_beside(scope, **{WEIGHT: scope.training["age"].to_numpy(), GROUP: np.arange(200) // 4})
    _, subsets = cut(scope)
    for subset in subsets:
        np.testing.assert_array_equal(subset.base_weight, subset.training["age"])
        assert set(np.bincount(subset.groups)) <= {0, 4}, "a group is there as a whole, or not at all"


def test_another_study_seed_cuts_other_rows(scope):
    _, first = cut(scope)
    ages = set(first[0].training["age"])
    context = scope.context
    StudyContext(context.schema, context.card, context.snapshot, 1).write(
        scope.folder.parent / "context.json"
    )
    _, second = cut(scope)
    assert set(second[0].training["age"]) != ages


def test_a_thinned_slice_leaves_all_other_rows(scope):
    whole = scope.read_array("training.npy")
    members = whole[::2]
    assert thin_slice(scope.folder, 3, members) == [25, 50, 100]
    quarter, half = (Scope(scope.folder.parent / thinned_name(scope.name, 3, share)) for share in (0.25, 0.5))
    for thinned, n_members in ((quarter, 25), (half, 50)):
        kept = thinned.read_array("training.npy")
        assert set(np.setdiff1d(whole, members)) < set(kept) < set(whole)
        assert np.isin(kept, members).sum() == n_members
        pd.testing.assert_frame_equal(thinned.validation, scope.validation)
    assert set(quarter.read_array("training.npy")) < set(half.read_array("training.npy"))


def test_a_slice_on_which_a_fold_trains_on_no_row_is_not_thinned(scope):
    assert thin_slice(scope.folder, 0, scope.read_array("validation.npy")) == [0, 0, 0]
    assert not (scope.folder.parent / thinned_name(scope.name, 0, 0.5)).exists()

"""Each row is a member once and unseen once, and never both for one pool."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.privacy.sides import deal_sides

FOLDS = np.random.default_rng(0).integers(3, size=300)


def test_each_row_is_a_member_in_one_fold_and_unseen_in_another():
    found = deal_sides(FOLDS, np.arange(300), seed=0)
    for fold, sides in found.items():
        assert (FOLDS[sides.members] != fold).all()
        assert (FOLDS[[*sides.non_members, *sides.reference]] == fold).all()
        assert abs(len(sides.non_members) - len(sides.reference)) <= 1
    members = np.concatenate([sides.members for sides in found.values()])
    unseen = np.concatenate(
        [side for sides in found.values() for side in (sides.non_members, sides.reference)]
    )
    assert sorted(members) == sorted(unseen) == list(range(300))


def test_of_one_person_one_row_is_drawn():
    groups = np.repeat(np.arange(100), 3)
    found = deal_sides(np.repeat([0, 1], 150), groups, seed=0)
    drawn = np.concatenate([sides.members for sides in found.values()])
    assert sorted(groups[drawn]) == list(range(100))


def test_rows_that_are_never_validated_take_no_part():
    found = deal_sides(np.where(np.arange(300) < 60, -1, FOLDS), np.arange(300), seed=0)
    assert min(sides.members.min() for sides in found.values()) >= 60


def test_another_seed_deals_other_halves():
    first, second = (deal_sides(FOLDS, np.arange(300), seed=seed)[0] for seed in (0, 1))
    assert set(first.reference) != set(second.reference)

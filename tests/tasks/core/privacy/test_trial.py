"""A trial attacks at most so many rows, and looks for whole copies in all."""

from __future__ import annotations

from dataclasses import replace

from tests.tasks.core.privacy.tables import trial


def test_whole_copies_are_counted_in_all_rows_on_both_sides():
    found = replace(trial(100, 0, copied=0.3), max_candidates=20)
    copied, unseen_copied = found.copied
    assert (len(copied), copied.sum()) == (100, 30)
    assert (len(unseen_copied), unseen_copied.sum()) == (200, 0)


def test_at_most_so_many_rows_of_each_kind_are_attacked_and_members_keep_their_labels():
    found = replace(trial(100, 0), max_candidates=20)
    members, non_members, reference = found.sides
    assert [len(side) for side in found.sides] == [20, 20, 20]
    labels = found.real.index
    assert set(labels[members]) < set(found.members.index)
    assert set(labels[non_members]) < set(found.non_members.index)
    assert set(labels[reference]) < set(found.reference.index)


def test_few_rows_are_all_attacked():
    found = trial(30, 0)
    assert len(found.real) == 90
    assert found.searched is found.synthetic

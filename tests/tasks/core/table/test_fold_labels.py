"""Spellings of one label are one label only where that is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.table.fold_labels import fold_labels, label_key, spellings


@pytest.mark.parametrize("other", ["yes ", " YES", "Yes", "\u00a0yes"])
def test_blanks_and_case_do_not_make_another_label(other):
    assert label_key(other) == label_key("yes")


@pytest.mark.parametrize("other", ["ye s", "yes.", "y"])
def test_anything_else_does(other):
    assert label_key(other) != label_key("yes")


def test_the_most_frequent_spelling_stands_for_all():
    assert fold_labels(["no", "NO ", "No"], [2, 9, 1], merge=True) == (["NO", "NO", "NO"], 2)


def test_of_equally_frequent_spellings_the_same_one_is_taken_in_any_order():
    assert fold_labels(["b", "B"], [3, 3], merge=True)[0] == ["B", "B"]
    assert fold_labels(["B", "b"], [3, 3], merge=True)[0] == ["B", "B"]


@given(st.lists(st.text(" abAB", min_size=1).filter(str.strip), min_size=1, unique=True))
def test_without_merging_distinct_labels_stay_distinct(written):
    labels, n_folded = fold_labels(written, [1] * len(written), merge=False)
    assert len(set(labels)) == len(written) and n_folded == 0


def test_labels_of_several_spellings_are_found():
    assert spellings(["a", "b", "A", "c"]) == {"a": ["A", "a"]}

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, MIX_SHARE, nested_subsets


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8)), min_size=1, max_size=80), st.integers(0, 2**31)
)
def test_subsets_are_nested_and_never_part_a_group(rows, seed):
    strata, groups = (np.array(column) for column in zip(*rows, strict=True))
    subsets = nested_subsets(strata, groups, CURVE_SHARES, seed=seed)
    for smaller, larger in pairwise(subsets):
        assert len(smaller) > 0 and set(smaller) <= set(larger)
    assert subsets[-1].tolist() == list(range(len(rows)))
    for subset in subsets:
        assert not set(groups[subset]) & set(np.delete(groups, subset))


def test_single_rows_are_cut_to_the_exact_size_with_every_class_in_its_share():
    strata = np.repeat([0, 1, 2], [900, 90, 10])
    for share, rows in zip(
        CURVE_SHARES, nested_subsets(strata, np.arange(1000), CURVE_SHARES, seed=1), strict=True
    ):
        assert len(rows) == round(share * 1000)
        expected = share * np.array([900, 90, 10])
        np.testing.assert_allclose(np.bincount(strata[rows], minlength=3), expected, atol=1.01)


def test_groups_of_many_sizes_keep_the_classes_about_even():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), rng.integers(1, 12, 200))
    strata = (rng.random(200) < 0.3).astype(int)[groups]
    half = nested_subsets(strata, groups, (0.5,), seed=0)[0]
    assert len(half) == pytest.approx(len(groups) / 2, abs=12)
    assert strata[half].mean() == pytest.approx(strata.mean(), abs=0.02)


def test_another_seed_keeps_other_rows():
    strata = np.zeros(100, dtype=int)
    one, same, other = (nested_subsets(strata, np.arange(100), (0.5,), seed=s)[0] for s in (0, 0, 1))
    assert one.tolist() == same.tolist() != other.tolist()


def test_the_order_of_rows_in_the_table_does_not_matter_for_who_is_chosen_by_chance():
    """No stretch of the table is preferred."""
    chosen = np.zeros(400)
    for seed in range(200):
        chosen[nested_subsets(np.arange(400) % 2, np.arange(400), (0.25,), seed=seed)[0]] += 1
    by_tenth = pd.Series(chosen / 200).groupby(np.arange(400) // 40).mean()
    np.testing.assert_allclose(by_tenth, 0.25, atol=0.03)


def test_the_mix_is_made_from_half():
    assert CURVE_SHARES[MIX_SHARE] == 0.5

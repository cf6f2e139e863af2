import numpy as np
import pytest

from realmix.tasks.runtime.holdout_ledger import count_holdout_reads

pytestmark = pytest.mark.usefixtures("own_home")


def units(*values):
    return np.array(values, dtype=np.uint64)


def test_each_decision_that_reads_a_row_counts_once():
    assert count_holdout_reads("shop", "first", units(1, 2)).tolist() == [1, 1]
    assert count_holdout_reads("shop", "second", units(2, 3)).tolist() == [2, 1]
    assert count_holdout_reads("shop", "third", units(1, 2, 3)).tolist() == [2, 3, 2]


def test_the_same_reader_again_counts_no_more():
    for _ in range(3):
        assert count_holdout_reads("shop", "first", units(1, 2)).tolist() == [1, 1]


def test_rows_of_one_unit_count_together_and_keep_their_places():
    assert count_holdout_reads("shop", "first", units(7)).tolist() == [1]
    assert count_holdout_reads("shop", "second", units(9, 7, 9, 7)).tolist() == [1, 2, 1, 2]


def test_tables_have_counts_of_their_own():
    count_holdout_reads("shop", "first", units(1))
    assert count_holdout_reads("bank", "first", units(1)).tolist() == [1]


def test_hashes_of_all_sizes_are_kept_apart():
    largest = 2**64 - 1
    count_holdout_reads("shop", "first", units(largest, 2**63))
    assert count_holdout_reads("shop", "second", units(0, 2**63, largest)).tolist() == [1, 2, 2]

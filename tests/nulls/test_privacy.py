"""Leaks of known size are found in rows of the bundled table, and honest rows are not accused."""

from __future__ import annotations

import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from tests.nulls.privacy import IN_FOLDS, attack, line, pool_of
from tests.nulls.run import BUNDLED, table_rows


@pytest.fixture(scope="module")
def bank():
    raw, target = table_rows(BUNDLED, 0, 4_000)
    schema = infer_schema(raw, target)
    return schema.apply(raw), schema


@pytest.mark.parametrize(
    "leak", ["2 % copied", "5 % copied", "jitter", "smote", "neighbour-swap", "sequential-trees"]
)
def test_each_leak_is_found_in_every_pool(bank, leak):
    assert all(attack(*bank, leak, 300, seed).is_leaking for seed in range(3))


@pytest.mark.parametrize("leak", ["honest", IN_FOLDS, "gaussian-copula"])
def test_a_pool_that_leaks_nothing_is_not_accused(bank, leak):
    # At a false-alarm rate of 1 %, two of five come once in 1,000 runs.
    found = [attack(*bank, leak, 300, seed) for seed in range(5)]
    assert sum(membership.is_leaking for membership in found) <= 1
    assert f"| {leak} | 300 | {sum(membership.is_leaking for membership in found)} of 5 |" in line(
        leak, 300, found
    )


def test_copies_are_exactly_as_many_as_their_name_says(bank):
    rows, schema = bank
    pool = pool_of("5 % copied")(rows.iloc[:100], rows.iloc[100:200], schema, 0)
    copies = pool.merge(rows.iloc[100:200].drop_duplicates(), how="inner")
    assert (len(pool), len(copies)) == (100, 5)

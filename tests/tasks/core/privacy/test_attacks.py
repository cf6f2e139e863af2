"""Scores rise for rows that were learned, and know no labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from realmix.tasks.core.privacy.attacks import (
    cell_hashes,
    classifier_scores,
    distance_scores,
    halves,
    likelihood_scores,
    near_copy_scores,
    nearest_rows,
    place_group,
    place_groups,
)
from realmix.tasks.core.table.infer_schema import infer_schema
from tests.tasks.core.privacy.tables import SCHEMA, persons, trial


def test_halves_hold_every_column_once_and_a_narrow_table_has_none():
    first, second = halves(SCHEMA, 3)
    assert {c.name for c in (*first, *second)} == {c.name for c in SCHEMA.modelled}
    assert len(first) == len(second) == 3
    rows = persons(50, 0)[["age", "income", "ill"]]
    assert halves(infer_schema(rows, "ill"), 3) == ()


def test_the_groups_are_all_columns_twice_numbers_and_two_halves():
    rows = persons(60, 0)
    names = [group.name for group in place_groups(rows, rows, SCHEMA, seed=0)]
    assert names == [
        "all columns", "all columns by deviation", "numbers", "half 1 of the columns", "half 2 of the columns"
    ]  # fmt: skip


def test_of_rows_at_one_distance_the_same_is_found_with_any_number_of_threads():
    rng = np.random.default_rng(0)
    table, points = (rng.integers(0, 3, (n, 6)).astype(np.float32) for n in (1_500, 800))
    found = []
    for limit in (1, 2):
        with threadpool_limits(limits=limit):
            found.append(nearest_rows(points, table).positions)
    np.testing.assert_array_equal(*found)


def test_nearest_rows_are_found_nearest_first():
    found = nearest_rows(np.array([[0.0]]), np.array([[3.0], [1.0], [-0.5]]), k=2)
    assert found.positions.tolist() == [[2, 1]]
    assert found.distances[0] == pytest.approx([0.5, 1.0])


@pytest.fixture(scope="module")
def perturbed():
    """Members first, then unseen rows, then the reference; the pool is made of members with a little noise."""
    found = trial(150, 1, jitter=0.05)
    return found, place_group("all", found.real, found.searched, SCHEMA.modelled)


CANDIDATES, REFERENCE, IS_MEMBER = np.arange(300), np.arange(300, 450), np.arange(300) < 150


def auc(score: np.ndarray) -> float:
    ranks = pd.Series(score).rank().to_numpy()
    return (ranks[IS_MEMBER].sum() - 150 * 151 / 2) / 150**2


def test_every_attack_ranks_members_above_unseen_rows_where_the_pool_is_made_of_members(perturbed):
    _, group = perturbed
    scores = distance_scores(group, CANDIDATES, REFERENCE)
    scores["likelihood"] = likelihood_scores(group, CANDIDATES, REFERENCE)
    found = {name: auc(score) for name, score in scores.items()}
    assert found["distance"] > 0.8
    assert found["density, nearest"] > 0.8
    assert found["likelihood"] > 0.7
    assert found["density, fifth"] > 0.5
    weak = classifier_scores(group, CANDIDATES, REFERENCE, random_state=0)
    assert auc(weak) > 0.5


def test_one_seed_gives_one_classifier(perturbed):
    _, group = perturbed
    twice = [classifier_scores(group, CANDIDATES, REFERENCE, random_state=5) for _ in range(2)]
    assert np.array_equal(*twice)


def test_a_copy_but_for_one_cell_is_counted_and_one_that_the_reference_repeats_is_not():
    real = persons(3, 4)
    pool = real.iloc[[0]].assign(region="nowhere")
    columns = SCHEMA.modelled
    cells, synthetic = cell_hashes(real, columns), cell_hashes(pool, columns)
    score = near_copy_scores(cells, synthetic, np.array([0, 1]), np.array([2]))
    assert score.tolist() == [1, 0]
    known = near_copy_scores(cells[[0, 1, 0]], synthetic, np.array([0, 1]), np.array([2]))
    # Six columns but for which the reference repeats the row, less the one of the synthetic row.
    assert known.tolist() == [1 - 6, 0]


def test_equal_values_in_two_columns_have_different_hashes_and_missing_cells_are_equal():
    rows = pd.DataFrame({"a": [1.0, np.nan, np.nan], "b": [1.0, 2.0, 2.0], "ill": ["x", None, None]})
    columns = infer_schema(rows.assign(ill=["x", "y", "y"]), "ill").modelled
    hashed = cell_hashes(rows, columns)
    assert hashed[0, 0] != hashed[0, 1]
    assert (hashed[1] == hashed[2]).all()


def test_minus_zero_is_zero():
    columns = SCHEMA.modelled
    rows = persons(2, 0)
    twice = [cell_hashes(rows.assign(age=age), columns) for age in (0.0, -0.0)]
    assert np.array_equal(*twice)

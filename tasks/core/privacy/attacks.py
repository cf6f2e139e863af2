"""Membership attacks: scores that say how surely a real row was among those that a synthesizer learned.

An attacker has the synthetic rows, rows of the same kind that were certainly not learned (the reference), and a
candidate. All scores are functions of these three and know no label, so where nothing leaks the scores of members
and of non-members have the same distribution.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.common_space import place_rows
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

# Nearest rows from which a density is estimated.
N_NEAREST = 5
# Added to distances, as a share of a usual one, before they are divided: below it lie rounding errors.
SOFTENING = 0.02
# Columns of a table, at most, that are left out one at a time to find near copies.
MAX_LEFT_OUT = 40
# Rows of either side that the classifier learns.
MAX_CLASSIFIED = 5_000
# Halves of fewer columns hardly tell rows apart.
MIN_COLUMNS_TO_HALVE = 6


@dataclass(frozen=True)
class Nearest:
    """Distances to the nearest rows of a table and their positions, shape (n_rows, k), nearest first."""

    distances: np.ndarray
    positions: np.ndarray


@dataclass(frozen=True)
class ColumnGroup:
    """Places of all rows in the space of some columns.

    Attributes
    ----------
    name : str
    real : ndarray of shape (n_real, n_dimensions)
    synthetic : ndarray of shape (n_synthetic, n_dimensions)
    to_synthetic : Nearest
        From every real row.
    """

    name: str
    real: np.ndarray
    synthetic: np.ndarray
    to_synthetic: Nearest


def halves(schema: Schema, seed: int) -> tuple[tuple[Column, ...], ...]:
    """Deal the modelled columns into two halves at random; none of a narrow table."""
    columns = schema.modelled
    if len(columns) < MIN_COLUMNS_TO_HALVE:
        return ()
    order = np.random.default_rng(derive_seed(seed, "halves")).permutation(len(columns))
    both = np.sort(order[: len(columns) // 2]), np.sort(order[len(columns) // 2 :])
    return tuple(tuple(columns[place] for place in half) for half in both)


def place_groups(
    real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema, *, seed: int
) -> list[ColumnGroup]:
    """Place all rows in the space of each column group, each by one scaler, and find the nearest synthetic rows.

    The groups: all columns, with numbers by rank and by deviation; numbers alone; and two halves at random. A leak
    of some columns is diluted where all are looked at.
    """
    columns = schema.modelled
    numbers = tuple(column for column in columns if not column.is_categorical)
    placed = [
        place_group("all columns", real, synthetic, columns),
        place_group("all columns by deviation", real, synthetic, columns, by_rank=False),
    ]
    if 2 <= len(numbers) < len(columns):
        placed.append(place_group("numbers", real, synthetic, numbers))
    for number, half in enumerate(halves(schema, seed), start=1):
        placed.append(place_group(f"half {number} of the columns", real, synthetic, half))
    return placed


def place_group(
    name: str, real: pd.DataFrame, synthetic: pd.DataFrame, columns: Sequence[Column], *, by_rank: bool = True
) -> ColumnGroup:
    """Place rows in the space of some columns."""
    points = place_rows(real, synthetic, columns, numbers="ranks" if by_rank else "deviations")
    of_real, of_synthetic = np.split(points.astype(np.float32), [len(real)])
    return ColumnGroup(name, of_real, of_synthetic, nearest_rows(of_real, of_synthetic))


def nearest_rows(points: np.ndarray, table: np.ndarray, k: int = N_NEAREST) -> Nearest:
    """Find the `k` rows of a table nearest to each point.

    With one thread: which of several rows at one distance is named depends on the number of threads, whatever `n_jobs` says.
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=min(k, len(table)), algorithm="brute", n_jobs=1).fit(table)
    with _thread_pools().limit(limits=1):
        distances, positions = index.kneighbors(points)
    return Nearest(distances.astype(float), positions)


@functools.cache
def _thread_pools() -> ThreadpoolController:
    """Return the thread pools of the libraries that are loaded; to look for them takes 4 ms."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def distance_scores(
    group: ColumnGroup, candidates: np.ndarray, reference: np.ndarray
) -> dict[str, np.ndarray]:
    """Score candidates by how much nearer the synthetic rows are than the reference rows.

    Parameters
    ----------
    group : ColumnGroup
    candidates, reference : ndarray of int
        Positions among the real rows.

    Returns
    -------
    dict of name to ndarray of shape (n_candidates,)
        The difference of the distances to the closest record (DCR), and ratios of the densities by the nearest and
        by the fifth nearest row, as DOMIAS compares them (van Breugel et al. 2023, arXiv:2302.12580).
    """
    to_synthetic = group.to_synthetic.distances[candidates]
    to_reference = nearest_rows(group.real[candidates], group.real[reference]).distances
    soft = SOFTENING * float(np.median(to_reference[:, 0])) + 1e-9
    return {
        "distance": to_reference[:, 0] - to_synthetic[:, 0],
        "density, nearest": np.log((to_reference[:, 0] + soft) / (to_synthetic[:, 0] + soft)),
        "density, fifth": np.log((to_reference[:, -1] + soft) / (to_synthetic[:, -1] + soft)),
    }


def likelihood_scores(group: ColumnGroup, candidates: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Score candidates by how much likelier the synthetic rows near them become once the candidate is known.

    Ratio of two likelihoods of the nearest synthetic rows, by Gaussian kernels on the reference rows with and
    without the candidate (Gen-LRA; Ward, Wang, Cheng 2025, arXiv:2508.21146).

    Returns
    -------
    ndarray of shape (n_candidates,)
    """
    from scipy.special import logsumexp

    table, near = group.real[reference], group.to_synthetic
    width = max(float(np.median(nearest_rows(table, table, 2).distances[:, -1])), 1e-6)
    known = logsumexp(-0.5 * (nearest_rows(group.synthetic, table).distances / width) ** 2, axis=1)
    added = -0.5 * (near.distances[candidates] / width) ** 2 - known[near.positions[candidates]]
    ratios: np.ndarray = np.logaddexp(0.0, added).sum(axis=1)
    return ratios


def near_copy_scores(
    cells: np.ndarray, synthetic_cells: np.ndarray, candidates: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """Count the columns but for which a synthetic row repeats a candidate, less those for a reference row.

    A whole copy counts for every column; a row that is copied but for one cell counts once.

    Parameters
    ----------
    cells, synthetic_cells : ndarray of uint64 of shape (n_rows, n_columns)
        From :func:`cell_hashes`, of all real rows and of the synthetic ones.
    candidates, reference : ndarray of int
        Positions among the real rows.

    Returns
    -------
    ndarray of shape (n_candidates,)
    """
    score = np.zeros(len(candidates))
    real, synthetic = cells.sum(axis=1), synthetic_cells.sum(axis=1)
    n_columns = cells.shape[1]
    for left_out in range(0, n_columns, -(-n_columns // MAX_LEFT_OUT)):
        rest = real - cells[:, left_out]
        score += np.isin(rest[candidates], synthetic - synthetic_cells[:, left_out])
        score -= np.isin(rest[candidates], rest[reference])
    return score


def cell_hashes(rows: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """Hash each cell to 64 bits; sums of a row's hashes tell rows apart, also without some columns.

    Returns
    -------
    ndarray of uint64 of shape (n_rows, n_columns)
    """
    hashed = np.empty((len(rows), len(columns)), dtype=np.uint64)
    for place, column in enumerate(columns):
        values = rows[column.name]
        if column.is_categorical:
            # Texts are hashed with a key: equal texts in two columns must not cancel out.
            values = values.astype(object).where(values.notna(), None).map(str)
        else:
            values = (values.astype(float) + 0.0).map(float.hex)
        hashed[:, place] = pd.util.hash_pandas_object(
            values, index=False, hash_key=f"{place:016d}"
        ).to_numpy()
    return hashed


def classifier_scores(
    group: ColumnGroup, candidates: np.ndarray, reference: np.ndarray, *, random_state: int
) -> np.ndarray:
    """Score candidates by a classifier of synthetic against reference rows: weak, so never used alone.

    Returns
    -------
    ndarray of shape (n_candidates,)
    """
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(random_state)
    sides = [
        table[rng.permutation(len(table))[:MAX_CLASSIFIED]]
        for table in (group.real[reference], group.synthetic)
    ]
    forest = ExtraTreesClassifier(
        n_estimators=15, min_samples_leaf=5, class_weight="balanced", random_state=random_state, n_jobs=1
    )
    forest.fit(np.concatenate(sides), np.repeat([0, 1], [len(side) for side in sides]))
    share: np.ndarray = forest.predict_proba(group.real[candidates])[:, 1]
    return share

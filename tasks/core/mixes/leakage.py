"""Detect generators that were given validation rows, from the rows that they drew.

The unit of all tests is the real row, never the synthetic one: a thousand synthetic rows can crowd
around one real row, so they are not a thousand observations. Where a fold is cut at random, a
generator that saw training rows only comes no nearer to validation rows than to training rows, and
the p-values hold however few distinct values a table has. A generator that learned from all rows
and repeats none is not detected: its rows resemble both sides alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.common_space import place_rows
from realmix.tasks.core.mixes.pools import row_hashes
from realmix.tasks.core.table.schema import Schema

# Fifteen folds of ten generators under two tests: at most one honest study in 3,000 is refused.
LEAK_LEVEL = 1e-6
# Groups and times are not cut at random, so a small p-value is not enough: the two sides must also
# differ widely.
MIN_TIMES_AS_OFTEN = 2.0
MIN_NEARER_PAIRS = 0.7
# Where hardly any real row repeats another, no generator invents half of the rows it never saw: honest
# generators gave 24 % of them at most (`python -m tests.nulls.honest`, 2,676 pools, none refused).
MAX_REPEATED = 0.05
MIN_INVENTED = 0.5
MIN_INVENTED_ROWS = 10
# Limits of the time spent: distances cost the product of the two.
MAX_REFERENCE_ROWS = 500
MAX_POOL_ROWS = 2_000
# Distances below this are rounding errors.
NO_DISTANCE = 1e-6


@dataclass(frozen=True)
class LeakEvidence:
    """How a pool of synthetic rows relates to the two sides of a fold, without rows that are on both.

    Attributes
    ----------
    copied_training, copied_validation : float
        Share of the distinct real rows that a synthetic row equals in every feature.
    n_copied : int
        Distinct validation rows copied.
    repeated : float
        Share of the distinct training rows that the table holds more than once.
    p_copies : float
        Chance of so many copied validation rows among all copied ones, if sides were dealt at random.
    nearer_pairs : float
        Share of the pairs of a validation and a training row in which the synthetic rows come nearer
        to the validation row; distances are relative to those among the real rows.
    p_nearer : float
        Chance of such a share, if sides were dealt at random (Mann-Whitney).
    """

    copied_training: float
    copied_validation: float
    n_copied: int
    repeated: float
    p_copies: float
    nearer_pairs: float
    p_nearer: float

    @property
    def reason(self) -> str | None:
        """Why the generator must have been given validation rows, or None."""
        more_often = self.copied_validation >= MIN_TIMES_AS_OFTEN * self.copied_training
        is_unlikely = self.repeated <= MAX_REPEATED and self.copied_validation >= MIN_INVENTED
        if (more_often and self.p_copies < LEAK_LEVEL) or (
            is_unlikely and self.n_copied >= MIN_INVENTED_ROWS
        ):
            return (
                f"copied {self.copied_validation:.0%} of the validation rows and "
                f"{self.copied_training:.0%} of the training rows, so it was given rows it must not see"
            )
        if self.nearer_pairs >= MIN_NEARER_PAIRS and self.p_nearer < LEAK_LEVEL:
            return (
                f"came nearer to the validation row than to the training row in {self.nearer_pairs:.0%} "
                "of all pairs, so it was given rows it must not see"
            )
        return None


def leak_evidence(
    pool: pd.DataFrame, training: pd.DataFrame, validation: pd.DataFrame, schema: Schema, *, random_state: int
) -> LeakEvidence:
    """Compare a pool with the rows its generator was given and those it must not have seen.

    Parameters
    ----------
    pool : DataFrame of shape (n_synthetic, n_modelled)
        Canonical; only features are used.
    training, validation : DataFrame of shape (n_rows, n_modelled)
        Canonical real rows of one fold.
    schema : Schema
    random_state : int
        Of the samples that limit the time.

    Returns
    -------
    LeakEvidence

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> numbers = np.random.default_rng(0).normal(size=(140, 2))
    >>> rows = pd.DataFrame({"x": numbers[:, 0], "y": numbers[:, 1]})
    >>> schema = infer_schema(rows, "y")
    >>> honest = leak_evidence(rows[:70], rows[:70], rows[70:], schema, random_state=0)
    >>> leaky = leak_evidence(rows[70:], rows[:70], rows[70:], schema, random_state=0)
    >>> honest.reason is None, leaky.copied_validation
    (True, 1.0)
    """
    rng = np.random.default_rng(random_state)
    drawn, sides = pool[schema.feature_names], _one_sided(training, validation, schema)
    size = min(len(sides[0].rows), len(sides[1].rows), MAX_REFERENCE_ROWS)
    if size < 2 or drawn.empty:
        return LeakEvidence(0.0, 0.0, 0, 0.0, 1.0, 0.5, 1.0)
    hashes = row_hashes(drawn)
    given, unseen = (np.isin(side.hashes, hashes) for side in sides)
    reference = pd.concat([_sample(side.rows, size, rng) for side in sides], ignore_index=True)
    distances = _relative_distances(reference, _sample(drawn, MAX_POOL_ROWS, rng), schema)
    nearer_pairs, p_nearer = _nearer_pairs(distances[:size], distances[size:])
    return LeakEvidence(
        copied_training=float(given.mean()),
        copied_validation=float(unseen.mean()),
        n_copied=int(unseen.sum()),
        repeated=float((sides[0].counts > 1).mean()),
        p_copies=_p_copies(given, unseen),
        nearer_pairs=nearer_pairs,
        p_nearer=p_nearer,
    )


@dataclass(frozen=True)
class _Side:
    """Distinct rows of one side that are not on the other, and how often each occurs."""

    rows: pd.DataFrame
    hashes: np.ndarray
    counts: np.ndarray


def _one_sided(training: pd.DataFrame, validation: pd.DataFrame, schema: Schema) -> tuple[_Side, _Side]:
    tables = [rows[schema.feature_names] for rows in (training, validation)]
    hashes = [row_hashes(rows) for rows in tables]
    sides = []
    for rows, own, other in zip(tables, hashes, reversed(hashes), strict=True):
        distinct, first, counts = np.unique(own, return_index=True, return_counts=True)
        is_own = ~np.isin(distinct, other)
        sides.append(_Side(rows.iloc[first[is_own]], distinct[is_own], counts[is_own]))
    return sides[0], sides[1]


def _p_copies(given: np.ndarray, unseen: np.ndarray) -> float:
    """Test exactly (Fisher, one-sided) that unseen rows are not copied more often than given ones."""
    from scipy import stats

    n_copied = int(given.sum() + unseen.sum())
    return float(stats.hypergeom.sf(unseen.sum() - 1, len(given) + len(unseen), len(unseen), n_copied))


def _nearer_pairs(given: np.ndarray, unseen: np.ndarray) -> tuple[float, float]:
    """Return the share of pairs in which the unseen row is nearer, and the one-sided p-value."""
    from scipy import stats

    test = stats.mannwhitneyu(given, unseen, alternative="greater", method="asymptotic")
    return float(test.statistic / (len(given) * len(unseen))), float(test.pvalue)


def _sample(rows: pd.DataFrame, size: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw at most `size` of the rows, in their order."""
    if len(rows) <= size:
        return rows
    return rows.iloc[np.sort(rng.choice(len(rows), size, replace=False))]


def _relative_distances(reference: pd.DataFrame, pool: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Divide the distance of each reference row to the nearest synthetic row by that to the nearest other."""
    from sklearn.neighbors import NearestNeighbors

    points = place_rows(reference, pool, schema.features)
    real, synthetic = points[: len(reference)], points[len(reference) :]
    index = NearestNeighbors(n_neighbors=1, algorithm="brute", n_jobs=1)
    among_real = index.fit(real).kneighbors(return_distance=True)[0][:, 0]
    to_synthetic = index.fit(synthetic).kneighbors(real)[0][:, 0]
    relative: np.ndarray = (to_synthetic + NO_DISTANCE) / (among_real + NO_DISTANCE)
    return relative

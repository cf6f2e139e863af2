"""Domain classifier: detects differences between two tables that no single column shows.

Each side is split into halves; a forest fitted on one pair of halves ranks the rows of the other. Given
a forest, the rows it never saw are exchangeable if both sides are of one source, so the p-value of Mann
and Whitney is exact for each half. It would not be for all rows at once: both halves show the same
differences, which up to doubles the variance of their mean. Twice the mean of the two p-values is valid
whatever their dependence; permuting the sides would cost hundreds of fits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed

# Limits the time; with so many rows an area of 0.54 is significant.
MAX_ROWS = 2_000
# Extra trees: on 1,500 and 1,000 rows of the bundled table they found a shuffled column in 18 and 20 of 20
# draws, boosted trees in 13 and 5.
N_TREES = 50
# Fewer rows in a leaf fit noise; more hide what only two columns together show.
MIN_LEAF_ROWS = 5
# All features miss what a weak column shows, their square root what one column among many does.
FEATURES_PER_SPLIT = 0.5
N_HALVES = 2


@dataclass(frozen=True)
class DomainDrift:
    """Result of a domain classifier between new and reference rows.

    Attributes
    ----------
    auc : float
        Share of the pairs of a new and a reference row in which the new one looks newer to a
        classifier that saw neither: 0.5 = they look alike, 1 = always separated.
    p_value : float
    auc_by_chance : float
        Area that rows of one source exceed with probability `level`.
    n_reference, n_new : int
        Rows compared.
    ranks : ndarray of shape (n_rows,)
        For each new row the share of reference rows that look less new, NaN for rows not
        compared; its mean is `auc`.
    """

    auc: float
    p_value: float
    auc_by_chance: float
    n_reference: int
    n_new: int
    ranks: np.ndarray = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, float | int]:
        """Return the numbers about all rows, without the ranks of single rows."""
        names = ("auc", "p_value", "auc_by_chance", "n_reference", "n_new")
        return {name: getattr(self, name) for name in names}


def compare_domains(
    reference: pd.DataFrame, new: pd.DataFrame, columns: Sequence[str], *, level: float, seed: int
) -> DomainDrift:
    """Test whether forests can distinguish new rows from reference rows.

    Parameters
    ----------
    reference, new : DataFrame of shape (n_rows, >= n_columns)
        Canonical, with at least four rows each; at most `MAX_ROWS` of each, drawn at random, are compared.
    columns : sequence of str
        Features of the forests.
    level : float
        Probability for `auc_by_chance`, in (0, 1).
    seed : int

    Returns
    -------
    DomainDrift

    References
    ----------
    Lopez-Paz, Oquab 2017, Revisiting classifier two-sample tests, https://arxiv.org/abs/1610.06545;
    Rüschendorf 1982 (twice the mean of p-values), https://doi.org/10.2307/1426677

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, late = (pd.DataFrame({"x": rng.normal(mean, 1, 100)}) for mean in (0, 3))
    >>> found = compare_domains(old, late, ["x"], level=0.01, seed=0)
    >>> found.auc > 0.95, found.p_value < 1e-6
    (True, True)
    """
    rng = np.random.default_rng(derive_seed(seed, "domain"))
    halves = [np.array_split(rng.permutation(len(side))[:MAX_ROWS], N_HALVES) for side in (reference, new)]
    points = _points(reference, new, columns)
    tables = (points[: len(reference)], points[len(reference) :])
    ranks, p_values = np.full(len(new), np.nan), []
    for half in range(N_HALVES):
        fitted = [table[of_side[1 - half]] for table, of_side in zip(tables, halves, strict=True)]
        ranked = [table[of_side[half]] for table, of_side in zip(tables, halves, strict=True)]
        scores = _newness(fitted, ranked, derive_seed(seed, "domain", half))
        ranks[halves[1][half]] = _ranks(*scores)
        p_values.append(_p_value(*scores))
    sizes = [sum(len(rows) for rows in of_side) for of_side in halves]
    return DomainDrift(
        auc=float(np.nanmean(ranks)),
        p_value=min(1.0, 2 * float(np.mean(p_values))),
        auc_by_chance=_auc_by_chance(sizes[0] // N_HALVES, sizes[1] // N_HALVES, level),
        n_reference=sizes[0],
        n_new=sizes[1],
        ranks=ranks,
    )


def _points(reference: pd.DataFrame, new: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Encode both tables as numbers: levels by their frequency in both together, missing below all.

    The encoding treats all rows alike, so that it reveals nothing about the side of a row.
    """
    both = pd.concat([reference[list(columns)], new[list(columns)]], ignore_index=True)
    points = np.zeros((len(both), max(len(columns), 1)))
    for place, name in enumerate(columns):
        values = both[name]
        if values.dtype == object:
            counts = values.value_counts()
            ranked = sorted(counts.index, key=lambda level: (-counts[level], level))
            values = values.map({level: rank for rank, level in enumerate(ranked)}).astype(float)
        points[:, place] = values.rank(method="dense").fillna(0)
    return points


def _newness(fitted: Sequence[np.ndarray], ranked: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """Score how new the ranked rows of each side look to a forest of the fitted ones."""
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(
        N_TREES,
        min_samples_leaf=MIN_LEAF_ROWS,
        max_features=FEATURES_PER_SPLIT,
        class_weight="balanced",
        n_jobs=1,
        random_state=seed,
    )
    forest.fit(np.vstack(fitted), np.repeat([0, 1], [len(side) for side in fitted]))
    # Sums over trees differ in the last bit for equal rows.
    return [forest.predict_proba(side)[:, 1].round(9) for side in ranked]


def _ranks(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the share of reference scores below each new one; ties count half."""
    ordered = np.sort(reference)
    below, upto = (np.searchsorted(ordered, new, side=side) for side in ("left", "right"))
    shares: np.ndarray = (below + upto) / (2 * len(ordered))
    return shares


def _p_value(reference: np.ndarray, new: np.ndarray) -> float:
    from scipy import stats

    if np.ptp(np.concatenate([reference, new])) == 0:
        return 1.0
    return float(stats.mannwhitneyu(new, reference, alternative="greater", method="asymptotic").pvalue)


def _auc_by_chance(n_reference: int, n_new: int, level: float) -> float:
    """Return the area at which both halves' p-values would be half of `level`."""
    from scipy import stats

    spread = math.sqrt((n_reference + n_new + 1) / (12 * n_reference * n_new))
    return min(1.0, 0.5 + float(stats.norm.isf(level / 2)) * spread)

"""Cheap probes: how well a few values, and nothing else, tell the target.

Levels (of categories, of quantile bins, of being missing) are scored by the targets of the same level in
other folds; numbers that pass are scored again by a shallow tree, which finds a threshold exactly. Both
are cross-validated, so a level seen once tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

N_FOLDS = 5
N_BINS = 32
MAX_LEAVES = 64
# Values this frequent get a bin of their own: they are codes among the numbers.
FREQUENT = 0.02
# A tree is grown only where the bins tell this much.
WORTH_A_TREE = 0.5


@dataclass(frozen=True)
class Probe:
    """What was found for one column or pair.

    Attributes
    ----------
    skill : float
        Classes: Cohen's kappa; numbers: R squared of the target's ranks; out of fold, 1 = perfect.
    error : float
        Classes: share of rows told wrongly; numbers: share whose rank is missed by more than 1 %.
    """

    skill: float
    error: float


class Target:
    """Target of the probed rows: class codes, or ranks in (0, 1) of a quantity."""

    def __init__(self, y: np.ndarray, n_classes: int) -> None:
        self.n_classes = n_classes
        self.y = y if n_classes else (pd.Series(y).rank().to_numpy() - 0.5) / len(y)
        self.folds = np.random.default_rng(0).permutation(len(y)) % N_FOLDS

    def probe_levels(self, levels: np.ndarray) -> Probe:
        """Score levels, given as codes of shape (n_rows,), by the target's mean per level in other folds."""
        codes, n_levels = levels, int(levels.max()) + 1
        truth = np.eye(self.n_classes)[self.y.astype(int)] if self.n_classes else self.y[:, None]
        sums = np.zeros((N_FOLDS, n_levels, truth.shape[1]))
        counts = np.zeros((N_FOLDS, n_levels, 1))
        np.add.at(sums, (self.folds, codes), truth)
        np.add.at(counts, (self.folds, codes), 1.0)
        others = sums.sum(axis=0) - sums
        prior = others.sum(axis=1, keepdims=True) / (counts.sum(axis=(0, 1)) - counts.sum(axis=1))[:, :, None]
        means = (others + 0.5 * prior) / (counts.sum(axis=0) - counts + 0.5)
        predicted = means[self.folds, codes]
        return self._score(predicted.argmax(axis=1) if self.n_classes else predicted[:, 0])

    def probe_numbers(self, numbers: np.ndarray) -> Probe:
        """Score numbers, missing or not: by their bins and, where these tell much, by a shallow tree."""
        by_bins = self.probe_levels(bins(numbers))
        if by_bins.skill < WORTH_A_TREE:
            return by_bins
        by_tree, by_rank = self._probe_tree(numbers), self._probe_ranks(numbers)
        skill = max(by_bins.skill, by_tree.skill, by_rank.skill)
        return Probe(skill, min(by_bins.error, by_tree.error, by_rank.error))

    def order_by_ranges(self, levels: np.ndarray) -> float:
        """Measure how far each level has a range of the quantity of its own, as bands of it or a rounded copy have.

        Counts rows whose level is another than that of the row with the next lower target: as few as there are
        levels give 1, as many as chance brings give 0.

        Examples
        --------
        >>> Target(np.arange(90.0), 0).order_by_ranges(np.arange(90) // 30)
        1.0
        """
        along = levels[np.argsort(self.y, kind="stable")]
        n_changes = int((along[1:] != along[:-1]).sum())
        counts = np.bincount(levels)
        n_levels = int((counts > 0).sum())
        by_chance = len(levels) * (1 - float(((counts / len(levels)) ** 2).sum()))
        return 1 - max(n_changes - n_levels + 1, 0) / by_chance

    def _probe_tree(self, numbers: np.ndarray) -> Probe:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        grow = DecisionTreeClassifier if self.n_classes else DecisionTreeRegressor
        predicted = np.empty(len(numbers))
        for fold in range(N_FOLDS):
            train = self.folds != fold
            tree = grow(max_leaf_nodes=MAX_LEAVES, min_samples_leaf=3, random_state=0)
            tree.fit(numbers[train, None], self.y[train])
            predicted[~train] = tree.predict(numbers[~train, None])
        return self._score(predicted)

    def _probe_ranks(self, numbers: np.ndarray) -> Probe:
        """Score a quantity by the ranks of the numbers, rising or falling: finds its logarithm, or a copy."""
        ranks = (pd.Series(numbers).rank().to_numpy() - 0.5) / len(numbers)
        if self.n_classes or np.isnan(ranks).any():
            return Probe(0.0, 1.0)
        return min((self._score(ranks), self._score(1 - ranks)), key=lambda probe: probe.error)

    def _score(self, predicted: np.ndarray) -> Probe:
        if not self.n_classes:
            missed = np.abs(predicted - self.y)
            skill = 1 - float((missed**2).mean() / max(self.y.var(), 1e-12))
            return Probe(skill, float((missed > 0.01).mean()))
        wrong = float((predicted != self.y).mean())
        shares = (np.bincount(v.astype(int), minlength=self.n_classes) / len(v) for v in (predicted, self.y))
        by_chance = 1 - float(np.prod(list(shares), axis=0).sum())
        return Probe(1 - wrong / by_chance if by_chance > 0 else 0.0, wrong)


def bins(numbers: np.ndarray) -> np.ndarray:
    """Return codes of quantile bins; frequent values and missing ones have bins of their own.

    Examples
    --------
    >>> bins(np.array([1.0, 1.0, np.nan])).tolist()
    [0, 0, 1]
    """
    values = pd.Series(numbers)
    shares = values.value_counts(normalize=True)
    frequent = set(shares.index[shares >= FREQUENT])
    cut = pd.qcut(values.rank(method="dense"), N_BINS, labels=False, duplicates="drop").fillna(-1)
    own = values.where(values.isin(frequent))
    named = [(a, b) for a, b in zip(cut, own.fillna(np.inf), strict=True)]
    return pd.factorize(pd.Series(named))[0]


def codes(values: pd.Series) -> np.ndarray:
    """Return codes of the levels of a column; a missing cell is a level.

    Examples
    --------
    >>> codes(pd.Series(["a", None, "a"])).tolist()
    [0, 1, 0]
    """
    return pd.factorize(values, use_na_sentinel=False)[0]

"""Sequential trees: each column drawn from the leaves of a tree on the columns before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import DEFAULT_SYNTHESIZER, SynthesizerSpec
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.columns import Column
from realmix.tasks.synthesizers._encoding import MAX_LEVELS, Levels
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

# Smallest group of real rows that a value is drawn from (synthpop's `minbucket`).
MIN_LEAF = 5


@dataclass(frozen=True)
class _Conditional:
    """One column given those before it: real values, grouped by the leaf of the tree they fall into."""

    tree: Any
    donors: np.ndarray
    first: np.ndarray
    count: np.ndarray

    def draw(self, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        leaf = self.tree.apply(before)
        return self.donors[self.first[leaf] + rng.integers(self.count[leaf])]


class SequentialTrees(QuotaSynthesizer):
    """CART synthesis as in synthpop: the target first, then each feature given all before it.

    Each value is that of a real row in the same leaf, so it is plausible by itself, and a
    missing cell is a value like any other.
    """

    name = "sequential-trees"

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        self.order_ = [self.schema_[self.schema_.target], *self.schema_.features]
        self.levels_ = {
            c.name: Levels.learn(self.real_[c.name], MAX_LEVELS) for c in self.order_ if c.is_categorical
        }
        codes = np.column_stack([self._numbers(c, self.real_[c.name]) for c in self.order_])
        self.conditionals_ = {
            column.name: self._conditional(column, codes, position, derive_seed(random_state, position))
            for position, column in enumerate(self.order_)
            if position
        }

    def _numbers(self, column: Column, values: pd.Series) -> np.ndarray:
        """Encode a column for a tree: categories as codes, missing numbers below all others."""
        if column.is_categorical:
            return self.levels_[column.name].encode(values).astype(float)
        numbers = values.to_numpy(dtype=float)
        real = self.real_[column.name]
        low, high = (real.min(), real.max()) if real.notna().any() else (0.0, 0.0)
        return np.where(np.isnan(numbers), low - (high - low) - 1.0, numbers)

    def _conditional(self, column: Column, codes: np.ndarray, position: int, seed: int) -> _Conditional:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeClassifier if column.is_categorical else DecisionTreeRegressor
        tree = kind(min_samples_leaf=min(MIN_LEAF, len(codes)), random_state=seed)
        before, y = codes[:, :position], codes[:, position]
        leaf = tree.fit(before, y.astype(int) if column.is_categorical else y).apply(before)
        by_leaf = np.argsort(leaf, kind="stable")
        count = np.bincount(leaf, minlength=tree.tree_.node_count)
        values = self.real_[column.name].to_numpy()
        return _Conditional(tree, values[by_leaf], np.cumsum(count) - count, count)

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        target = self.real_[self.schema_.target].to_numpy()
        known = target if label is None else np.array([label], dtype=object)
        data = {self.schema_.target: known[rng.integers(len(known), size=n_rows)]}
        before = np.empty((n_rows, len(self.order_)))
        for position, column in enumerate(self.order_):
            if position:
                data[column.name] = self.conditionals_[column.name].draw(before[:, :position], rng)
            before[:, position] = self._numbers(column, pd.Series(data[column.name]))
        return pd.DataFrame(data)


SPEC = SynthesizerSpec(
    name=DEFAULT_SYNTHESIZER,
    build=lambda card: SequentialTrees(card.rules),
    family="trees",
    reference="Reiter 2005, Journal of Official Statistics 21(3); Nowok, Raab, Dibben 2016, "
    "doi:10.18637/jss.v074.i11",
    fit_cost=lambda n_rows, n_columns, steps: 0.01 + 1e-3 * n_columns + 3.5e-7 * n_rows * n_columns**2,
    sample_cost=lambda n_rows, n_columns: 0.005 + 1e-3 * n_columns + 3e-7 * n_rows * n_columns,
    drop_order=None,
    preview_mix=(1.0, "joint"),
)

"""A trial: one pool of synthetic rows, and the real rows with which it is attacked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.pools import row_hashes
from realmix.tasks.core.privacy.attacks import ColumnGroup, place_groups
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema

# Rows of each kind that are attacked in all trials of an assessment: intervals hardly shrink beyond.
MAX_CANDIDATES = 2_500
# Synthetic rows among which the nearest are looked for, at most.
MAX_SYNTHETIC = 50_000


@dataclass(frozen=True)
class Trial:
    """One pool of synthetic rows, and the real rows with which it is attacked.

    Attributes
    ----------
    synthetic : DataFrame of shape (n_synthetic, n_modelled)
        Canonical, as all four.
    members : DataFrame of shape (n_members, n_modelled)
        Rows that the synthesizer learned from.
    non_members, reference : DataFrame of shape (about n_members, n_modelled)
        Rows of the same kind that it did not learn from.
    schema : Schema
    seed : int
    max_candidates : int
        Rows of each kind that are attacked, at most; whole copies are looked for in all.
    """

    synthetic: pd.DataFrame
    members: pd.DataFrame
    non_members: pd.DataFrame
    reference: pd.DataFrame
    schema: Schema
    seed: int
    max_candidates: int = MAX_CANDIDATES

    @cached_property
    def sides(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions of members, non-members and reference rows among `real`."""
        sizes = [min(len(side), self.max_candidates) for side in self._sides]
        members, non_members, reference = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
        return members, non_members, reference

    @cached_property
    def real(self) -> pd.DataFrame:
        """Rows that are attacked, shape (n_real, n_modelled); the index of members is kept."""
        return pd.concat([self._drawn(side, self.max_candidates) for side in self._sides])

    @cached_property
    def searched(self) -> pd.DataFrame:
        """Synthetic rows among which the nearest are looked for."""
        return self._drawn(self.synthetic, MAX_SYNTHETIC)

    @cached_property
    def groups(self) -> list[ColumnGroup]:
        """Places of these rows, by column group; the first holds all columns."""
        return place_groups(self.real, self.searched, self.schema, seed=self.seed)

    @cached_property
    def copied(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether a synthetic row repeats a member, and whether one repeats a row that was not learned."""
        names = [column.name for column in self.schema.modelled]
        synthetic = row_hashes(self.synthetic[names])
        unseen = pd.concat([self.non_members, self.reference])
        return np.isin(row_hashes(self.members[names]), synthetic), np.isin(
            row_hashes(unseen[names]), synthetic
        )

    @property
    def _sides(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.members, self.non_members, self.reference

    def _drawn(self, rows: pd.DataFrame, at_most: int) -> pd.DataFrame:
        if len(rows) <= at_most:
            return rows
        rng = np.random.default_rng(derive_seed(self.seed, "drawn", len(rows)))
        return rows.iloc[np.sort(rng.choice(len(rows), at_most, replace=False))]

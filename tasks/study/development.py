"""The development rows that take part in a study: loaded once, when they are first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.tasks.core.scores.draws import time_blocks
from realmix.tasks.fits.scope import DEVELOPMENT, GROUP, WEIGHT, StoredRows, StudyContext, stored_rows
from realmix.tasks.runtime.arrays import read_array

DECLARED, FOLDS = "declared.parquet", "folds.npz"
# Costs of decisions on the rows of either file, where the card gives costs.
COSTS, HOLDOUT_COSTS = "development-costs.npy", "holdout-costs.npy"


@dataclass(frozen=True)
class Development:
    """The rows that the folds of a study divide.

    Attributes
    ----------
    work : Path
        Folder of the study's intermediate files, with the files that :func:`realmix.tasks.study.split.lay_folds`
        and :func:`realmix.tasks.study.split.split_holdout` wrote.
    """

    work: Path

    @cached_property
    def context(self) -> StudyContext:
        """The values that all fits of the study share."""
        return StudyContext.read(self.work / "context.json")

    @cached_property
    def sampled(self) -> np.ndarray:
        """Positions of these rows among all development rows, shape (n_rows,)."""
        return self._divided["sampled"]

    @cached_property
    def folds(self) -> np.ndarray:
        """Fold of each row in each repeat, -1 in none; shape (n_repeats, n_rows)."""
        return self._divided["folds"]

    @property
    def rows(self) -> pd.DataFrame:
        """Canonical rows, shape (n_rows, n_modelled); not kept in memory."""
        return self._stored.rows.iloc[self.sampled].reset_index(drop=True)

    @cached_property
    def y(self) -> np.ndarray:
        """Encoded targets, shape (n_rows,)."""
        return self.context.schema.encode_target(self.rows)

    @cached_property
    def weight(self) -> np.ndarray:
        """Weights of real rows, shape (n_rows,)."""
        return self._stored.beside[WEIGHT][self.sampled]

    @cached_property
    def groups(self) -> np.ndarray:
        """Group number of each row, shape (n_rows,): rows with one number are in one fold."""
        return self._stored.beside[GROUP][self.sampled]

    @cached_property
    def drawn_together(self) -> np.ndarray | None:
        """Number of each row's unit in a bootstrap, shape (n_rows,): a stretch of time, or a group; None of rows alone."""
        units, time = self.groups, self.context.schema.with_role("time")
        if time:
            units = time_blocks(self.rows[time].to_numpy(), units, self.folds[0])
        return units if len(np.unique(units)) < len(units) else None

    @property
    def sample_weight(self) -> np.ndarray | None:
        """Weights, None where all are equal."""
        return None if np.all(self.weight == 1) else self.weight

    @cached_property
    def costs(self) -> np.ndarray | None:
        """Cost of each decision on each row, shape (n_rows, n_classes); None where the card gives no costs."""
        if not self.context.card.costs:
            return None
        return read_array(self.work / COSTS)[self.sampled]

    @property
    def declared(self) -> pd.DataFrame:
        """Columns whose groups the card protects, also those that no model may see."""
        if not self.context.card.protected:
            return pd.DataFrame()
        return pd.read_parquet(self.work / DECLARED).iloc[self.sampled].reset_index(drop=True)

    @property
    def _stored(self) -> StoredRows:
        return stored_rows(self.work / DEVELOPMENT)

    @cached_property
    def _divided(self) -> dict[str, np.ndarray]:
        with np.load(self.work / FOLDS, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}

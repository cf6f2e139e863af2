"""Features and a target as scikit-learn passes them, as the table of a study, and synthetic rows back again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.training_set import REAL, TrainingSet
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.schema import Schema, Task
from realmix.tasks.fits.scope import (
    DEVELOPMENT,
    GROUP,
    WEIGHT,
    Scope,
    StudyContext,
    feature_groups,
    write_rows,
    write_scope,
)

TARGET = "y"
# Stands for the snapshot in every derived seed: rows in memory have none.
DIGEST = "rows"
ALL_ROWS = "all"


@dataclass(frozen=True)
class FeatureTable:
    """Features, a target, and the table that a study makes of them; its columns have names of their own.

    Attributes
    ----------
    X : ndarray or DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Class codes from 0 on, or numbers.
    schema : Schema
    card : DataCard
    raw : DataFrame of shape (n_rows, n_features + 1)
    """

    X: Any
    y: np.ndarray
    schema: Schema
    card: DataCard
    raw: pd.DataFrame

    @classmethod
    def of(cls, X: Any, y: np.ndarray, task: Task) -> FeatureTable:
        """Check the rows as a study checks a table.

        Raises
        ------
        BadInput
            If a study refuses them, for example fewer than 60 rows.
        """
        features = pd.DataFrame(X).reset_index(drop=True)
        raw = features.set_axis([f"x{i}" for i in range(features.shape[1])], axis=1)
        is_number = [pd.api.types.is_numeric_dtype(raw[name]) for name in raw]
        kinds: Any = {
            name: "numeric" if number else "categorical"
            for name, number in zip(raw, is_number, strict=True)
            if raw[name].nunique() > 1
        }
        raw[TARGET] = y if task == "regression" else y.astype(str)
        positive = "1" if task == "binary" else None
        card = DataCard(target=TARGET, task=task, positive=positive, columns=kinds)
        return cls(X, y, check_study_input(raw, card), card, raw)

    def write(self, work: Path, seed: int) -> np.ndarray:
        """Write the rows and the scope of all of them to a folder; return the group number of each row."""
        StudyContext(self.schema, self.card, DIGEST, seed).write(work / "context.json")
        rows = self.schema.apply(self.raw)
        groups = feature_groups(rows, self.schema)
        write_rows(work / DEVELOPMENT, rows, **{WEIGHT: np.ones(len(rows)), GROUP: groups})
        write_scope(work / ALL_ROWS, np.arange(len(rows)))
        return groups

    def features_of(self, training: TrainingSet, scope: Scope) -> Any:
        """Return the features of a training set as `X` has them: real rows as they are, then synthetic ones.

        Returns
        -------
        ndarray or DataFrame of shape (n_training, n_features)
        """
        real = self.take(scope.read_array("training.npy"))
        synthetic = self.schema.restore(training.rows[training.origin != REAL])
        synthetic = synthetic.drop(columns=TARGET)[self.raw.columns[:-1]]
        if not isinstance(self.X, pd.DataFrame):
            return np.concatenate([real, synthetic.to_numpy(dtype=float).astype(self.X.dtype)])
        synthetic = synthetic.set_axis(self.X.columns, axis=1)
        if not len(synthetic):
            return real
        return pd.concat([real, synthetic.astype(self.X.dtypes)], ignore_index=True)

    def take(self, rows: np.ndarray) -> Any:
        """Return some rows of `X`."""
        return self.X.iloc[rows] if isinstance(self.X, pd.DataFrame) else self.X[rows]

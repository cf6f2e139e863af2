"""The rows that judge, and what models lose on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.metrics import METRICS
from tests.panel.tables import Rows

# Scored beside the loss; the last two only where one of two classes is rare.
SIDE = ("roc_auc", "average_precision", "cost")
# A missed row of the rare class costs as much as so many false alarms.
MISS_COST = 10.0


def metric_of(is_classification: bool) -> MetricSpec:
    """What studies of the panel decide by."""
    return METRICS["log_loss" if is_classification else "rmse"]


@dataclass(frozen=True)
class Outside:
    """Losses of models on the rows that judge.

    Attributes
    ----------
    names : tuple of str
        Of models.
    row_losses : ndarray of shape (n_names, n_test)
    side : ndarray of shape (n_names, 3)
        AUC, average precision and cost per row; NaN where they are not defined.
    """

    names: tuple[str, ...]
    row_losses: np.ndarray
    side: np.ndarray

    def __add__(self, other: Outside) -> Outside:
        """Models of both."""
        return Outside(
            self.names + other.names,
            np.concatenate([self.row_losses, other.row_losses]),
            np.concatenate([self.side, other.side]),
        )

    def losses(self, name: str) -> np.ndarray:
        """Row losses of a model, of shape (n_test,)."""
        losses: np.ndarray = self.row_losses[self.names.index(name)].astype(float)
        return losses

    def side_of(self, name: str) -> dict[str, float]:
        """Scores beside the loss."""
        return dict(zip(SIDE, map(float, self.side[self.names.index(name)]), strict=True))

    def write(self, path: Path, **beside: np.ndarray) -> None:
        """Write everything to one file; `beside` is kept with it."""
        np.savez_compressed(
            path, names=np.array(self.names), row_losses=self.row_losses, side=self.side, **beside
        )

    @classmethod
    def read(cls, path: Path) -> tuple[Outside, dict[str, np.ndarray]]:
        """Read what :meth:`write` wrote, and what was kept with it."""
        with np.load(path, allow_pickle=False) as arrays:
            kept = {name: arrays[name] for name in arrays.files}
        names = tuple(map(str, kept.pop("names")))
        return cls(names, kept.pop("row_losses"), kept.pop("side")), kept


@dataclass(frozen=True)
class Judge:
    """The rows that judge, as a schema reads them.

    Attributes
    ----------
    X : DataFrame of shape (n_test, n_features)
    y : ndarray of shape (n_test,)
    rare : int or None
        Code of the rare one of two classes.
    """

    schema: Schema
    X: pd.DataFrame
    y: np.ndarray
    rare: int | None

    @classmethod
    def of(cls, rows: Rows, schema: Schema) -> Judge:
        """Read the test rows of a draw; those whose class the study has not seen are left out."""
        test = schema.apply(known_labels(rows.test, schema))
        X = code_texts([test[schema.feature_names]])[0]
        rare = schema.classes.index(rows.rare) if rows.rare in schema.classes else None
        return cls(schema, X, schema.encode_target(test), rare)

    def score(self, predictions: Mapping[str, np.ndarray]) -> Outside:
        """Score predictions of models by their names."""
        metric = metric_of(self.schema.is_classification)
        assert metric.row_loss is not None
        losses = [metric.row_loss(self.y, predicted) for predicted in predictions.values()]
        side = [self._side(predicted) for predicted in predictions.values()]
        return Outside(tuple(predictions), np.array(losses, dtype=np.float32), np.array(side))

    def mean_loss(self, model: Any) -> float:
        """Score of a fitted model."""
        metric = metric_of(self.schema.is_classification)
        return float(metric.compute(self.y, model.predict(self.X), None))

    def _side(self, predicted: np.ndarray) -> list[float]:
        found = dict.fromkeys(SIDE, float("nan"))
        if self.schema.is_classification and len(np.unique(self.y)) == predicted.shape[1]:
            found["roc_auc"] = float(METRICS["roc_auc"].compute(self.y, predicted, None))
            if self.rare is not None:
                is_rare, p_rare = self.y == self.rare, predicted[:, self.rare]
                two = np.column_stack([1 - p_rare, p_rare])
                score = METRICS["average_precision"].compute(is_rare.astype(int), two, None)
                found |= {"average_precision": float(score), "cost": cost_per_row(is_rare, p_rare)}
        return list(found.values())


def known_labels(raw: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Rows whose class the study has seen at all."""
    if not schema.is_classification:
        return raw
    labels = raw[schema.target].astype(str)
    return raw[labels.isin([str(c) for c in schema.classes])].reset_index(drop=True)


def cost_per_row(is_rare: np.ndarray, p_rare: np.ndarray) -> float:
    """Cost of the alarms that pay by a model's own probabilities, in false alarms.

    A missed rare row costs `MISS_COST`, so an alarm pays from a probability of ``1 / (1 + MISS_COST)`` on
    (Elkan 2001, The foundations of cost-sensitive learning, IJCAI). One threshold for all models: none is tuned.

    Examples
    --------
    >>> cost_per_row(np.array([True, False, False, True]), np.array([0.5, 0.2, 0.01, 0.01]))
    2.75
    """
    alarm = p_rare >= 1 / (1 + MISS_COST)
    return float((MISS_COST * (is_rare & ~alarm) + (~is_rare & alarm)).mean())


def change(losses: np.ndarray, reference: np.ndarray, *, is_root: bool) -> tuple[float, float]:
    """Relative change of a loss and its standard error, from paired row losses.

    Parameters
    ----------
    losses, reference : ndarray of shape (n_test,)
    is_root : bool
        True where the loss is the root of a mean (RMSE).

    Returns
    -------
    change, standard_error : float
        Negative = better. The error is that of the test rows (delta method for a ratio of means), not of the
        training rows, which are the same for both.

    Examples
    --------
    >>> [round(found, 3) for found in change(np.array([1.0, 3.0]), np.array([2.0, 2.0]), is_root=False)]
    [0.0, 0.5]
    """
    ratio = losses.mean() / reference.mean()
    error = np.std(losses - ratio * reference, ddof=1) / reference.mean() / np.sqrt(len(losses))
    if is_root:
        return float(np.sqrt(ratio) - 1), float(error / (2 * np.sqrt(ratio)))
    return float(ratio - 1), float(error)

"""Holdout by stable hash, and repeated folds over what is left."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.schema import Schema, Task
from tasks.core.seeds import derive_seed

HOLDOUT_FRACTION = 0.2
N_SALTS = 64
MIN_HOLDOUT_ROWS = 100
MIN_HOLDOUT_CLASS_ROWS = 20
TARGET_BINS = 10


@dataclass(frozen=True)
class HoldoutRule:
    """Which side a row is on; frozen when a table is first seen.

    Attributes
    ----------
    salt : int
    fraction : float
        Share of units on the holdout side, in (0, 1); 0 where there is no holdout.
    columns : tuple of str
        Columns hashed where the table has neither group nor key: the features known when
        the table was first seen, so that a new column moves no row.
    cutoff : float or None
        For tables ordered in time: rows later than this are the holdout.
    """

    salt: int
    fraction: float
    columns: tuple[str, ...]
    cutoff: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> HoldoutRule:
        return cls(data["salt"], data["fraction"], tuple(data["columns"]), data["cutoff"])


def hash_units(raw: pd.DataFrame, schema: Schema, columns: Sequence[str]) -> np.ndarray:
    """Hash what decides a row's side: its group, else its key, else its features.

    The target never takes part, so rows that are equal but for a corrected label stay
    together.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    columns : sequence of str
        Features to hash where there is neither group nor key.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)
    """
    unit = schema.with_role("group") or schema.with_role("key")
    if unit:
        return pd.util.hash_pandas_object(raw[unit].astype(str), index=False).to_numpy()
    canonical = schema.apply(raw)[list(columns)]
    numbers = canonical.select_dtypes("number").columns
    canonical[numbers] = canonical[numbers] + 0.0  # -0.0 and 0.0 are one value
    return pd.util.hash_pandas_object(canonical, index=False).to_numpy()


def uniform_from_hash(units: np.ndarray, salt: int) -> np.ndarray:
    """Spread hashed units evenly over [0, 1), differently for every salt.

    Uses the finaliser of SplitMix64 (Steele, Lea, Flood 2014).

    Examples
    --------
    >>> units = np.arange(3, dtype=np.uint64)
    >>> np.round(uniform_from_hash(units, 1), 2).tolist() == np.round(uniform_from_hash(units, 2), 2).tolist()
    False
    """
    with np.errstate(over="ignore"):
        z = units + np.uint64(derive_seed("salt", salt)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(float) / float(1 << 53)


def register_holdout(raw: pd.DataFrame, schema: Schema) -> HoldoutRule:
    """Choose the rule for a table seen for the first time.

    Of 64 salts the one whose holdout has the most even classes (or target quantiles); for
    tables with a time column, the last fifth of the rows.
    """
    columns = tuple(schema.feature_names)
    time = schema.with_role("time")
    if time:
        moments = schema.apply(raw)[time]
        cutoff = float(moments.quantile(1 - HOLDOUT_FRACTION))
        return HoldoutRule(0, HOLDOUT_FRACTION, columns, cutoff)
    units = hash_units(raw, schema, columns)
    labels = _strata(schema.encode_target(schema.apply(raw)), schema.task)
    imbalance = [_imbalance(labels, uniform_from_hash(units, salt)) for salt in range(N_SALTS)]
    return HoldoutRule(int(np.argmin(imbalance)), HOLDOUT_FRACTION, columns)


def holdout_side(raw: pd.DataFrame, schema: Schema, rule: HoldoutRule) -> np.ndarray:
    """Say which rows are on the holdout side.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    if rule.cutoff is not None:
        moments = schema.apply(raw)[schema.with_role("time")]
        return (moments > rule.cutoff).to_numpy()
    units = hash_units(raw, schema, rule.columns)
    return uniform_from_hash(units, rule.salt) < rule.fraction


def why_no_holdout(y: np.ndarray, schema: Schema) -> str | None:
    """Give the reason why a holdout of these rows would say nothing, or None.

    Parameters
    ----------
    y : ndarray of shape (n_holdout,)
        Encoded targets on the holdout side.
    """
    if len(y) < MIN_HOLDOUT_ROWS:
        return f"the holdout would have {len(y)} rows, fewer than {MIN_HOLDOUT_ROWS}"
    if schema.is_classification:
        counts = np.bincount(y, minlength=len(schema.classes))
        if counts.min() < MIN_HOLDOUT_CLASS_ROWS:
            rare = schema.classes[int(counts.argmin())]
            return (
                f"the holdout would have {counts.min()} rows of class '{rare}', "
                f"fewer than {MIN_HOLDOUT_CLASS_ROWS}"
            )
    return None


def make_folds(
    y: np.ndarray, groups: np.ndarray, task: Task, *, n_folds: int, n_repeats: int, seed: int
) -> np.ndarray:
    """Deal rows into stratified, grouped folds, several times over.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Class codes or numbers; numbers are stratified by their deciles.
    groups : ndarray of shape (n_rows,)
        Rows with one group stay in one fold; rows with equal features are one group.
    n_folds, n_repeats : int

    Returns
    -------
    ndarray of int, shape (n_repeats, n_rows)
        Fold of each row in each repeat.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    strata = _strata(y, task)
    grouped = len(np.unique(groups)) < len(groups)
    folds = np.empty((n_repeats, len(y)), dtype=int)
    for repeat in range(n_repeats):
        splitter = StratifiedGroupKFold if grouped else StratifiedKFold
        kfold = splitter(n_folds, shuffle=True, random_state=derive_seed(seed, "folds", repeat))
        parts = kfold.split(np.zeros((len(y), 1)), strata, groups if grouped else None)
        for fold, (_, validation) in enumerate(parts):
            folds[repeat, validation] = fold
    return folds


def make_time_folds(moments: np.ndarray, *, n_folds: int) -> np.ndarray:
    """Deal rows into consecutive stretches of time; each is validated on what came before.

    Returns
    -------
    ndarray of int, shape (1, n_rows)
        0 for the first validated stretch and so on; -1 for the oldest rows, which are
        only ever trained on.
    """
    edges = np.quantile(moments, np.linspace(0, 1, n_folds + 2)[1:-1])
    return (np.searchsorted(edges, moments, side="left") - 1)[np.newaxis, :]


def training_rows(folds: np.ndarray, repeat: int, fold: int, *, forward: bool) -> np.ndarray:
    """Rows a fold may train on: all others, or only older ones when going forward in time."""
    of_repeat = folds[repeat]
    return np.flatnonzero(of_repeat < fold if forward else of_repeat != fold)


def _strata(y: np.ndarray, task: Task) -> np.ndarray:
    if task != "regression":
        return y
    edges = np.unique(np.quantile(y, np.linspace(0, 1, TARGET_BINS + 1)[1:-1]))
    return np.searchsorted(edges, y)


def _imbalance(labels: np.ndarray, position: np.ndarray) -> float:
    """Largest gap between a stratum's share in the holdout and in the table."""
    held = position < HOLDOUT_FRACTION
    if not held.any():
        return np.inf
    everywhere = np.bincount(labels) / len(labels)
    inside = np.bincount(labels[held], minlength=len(everywhere)) / held.sum()
    return float(np.abs(inside - everywhere).max() + abs(held.mean() - HOLDOUT_FRACTION))

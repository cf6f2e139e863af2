"""Repeated stratified, grouped folds, and folds that go forward in time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Task

TARGET_BINS = 10


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
        Fewer folds are dealt where a class has fewer groups than that, but at least two.

    Returns
    -------
    ndarray of int, shape (n_repeats, n_rows)
        Fold of each row in each repeat; no fold is empty.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = strata(y, task)
    grouped = len(np.unique(groups)) < len(groups)
    n_folds = _affordable_folds(y, groups, task, n_folds)
    folds = np.empty((n_repeats, len(y)), dtype=int)
    for repeat in range(n_repeats):
        splitter = StratifiedGroupKFold if grouped else StratifiedKFold
        kfold = splitter(n_folds, shuffle=True, random_state=derive_seed(seed, "folds", repeat))
        parts = kfold.split(np.zeros((len(y), 1)), labels, groups if grouped else None)
        for fold, (_, validation) in enumerate(parts):
            folds[repeat, validation] = fold
        # A few large groups can leave a fold without rows.
        folds[repeat] = np.unique(folds[repeat], return_inverse=True)[1]
    return folds


def make_time_folds(moments: np.ndarray, *, n_folds: int) -> np.ndarray:
    """Deal rows into consecutive stretches of time; each is validated on what came before.

    Rows of one time stay in one stretch, and no stretch is empty.

    Parameters
    ----------
    moments : ndarray of shape (n_rows,)
    n_folds : int
        At most; one less than the distinct times where these are fewer.

    Returns
    -------
    ndarray of int, shape (1, n_rows)
        0 for the first validated stretch and so on; -1 for the oldest rows, which are
        only ever trained on.

    Examples
    --------
    >>> make_time_folds(np.array([2020, 2020, 2020, 2021, 2022]), n_folds=5).tolist()
    [[-1, -1, -1, 0, 1]]
    """
    _, place, counts = np.unique(moments, return_inverse=True, return_counts=True)
    n_folds = min(n_folds, len(counts) - 1)
    stretch = np.arange(1, n_folds + 1)
    even = np.searchsorted(np.cumsum(counts), stretch / (n_folds + 1) * len(moments)) + 1
    # Each begins after the one before, and leaves a time to each that follows.
    rising = np.maximum.accumulate(even - stretch) + stretch
    begins = np.minimum(rising, len(counts) - n_folds + stretch - 1)
    return (np.searchsorted(begins, place, side="right") - 1)[np.newaxis, :]


def training_rows(folds: np.ndarray, repeat: int, fold: int, *, forward: bool) -> np.ndarray:
    """Rows a fold may train on: all others, or only older ones when going forward in time."""
    of_repeat = folds[repeat]
    return np.flatnonzero(of_repeat < fold if forward else of_repeat != fold)


def _affordable_folds(y: np.ndarray, groups: np.ndarray, task: Task, n_folds: int) -> int:
    """As many folds as every class has groups, but at least two."""
    pairs = pd.DataFrame({"y": np.zeros(len(y)) if task == "regression" else y, "group": groups})
    n_groups = pairs.groupby("y")["group"].nunique().min()
    return max(2, min(n_folds, int(n_groups)))


def strata(y: np.ndarray, task: Task) -> np.ndarray:
    if task != "regression":
        return y
    edges = np.unique(np.quantile(y, np.linspace(0, 1, TARGET_BINS + 1)[1:-1]))
    return np.searchsorted(edges, y)

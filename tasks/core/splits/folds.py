"""Repeated stratified, grouped folds, and folds forward in time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Task

TARGET_BINS = 10


def make_folds(
    y: np.ndarray, groups: np.ndarray, task: Task, *, n_folds: int, n_repeats: int, seed: int
) -> np.ndarray:
    """Assign rows to stratified, grouped folds, several times.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Class codes or numbers; numbers are stratified by their deciles.
    groups : ndarray of shape (n_rows,)
        Rows of one group stay in one fold; rows with equal features are one group.
    n_folds, n_repeats : int
        Fewer folds if a class has fewer groups than that, but at least two.

    Returns
    -------
    ndarray of int, shape (n_repeats, n_rows)
        Fold of each row in each repeat; no fold is empty.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = strata(y, task)
    grouped = len(np.unique(groups)) < len(groups)
    pairs = pd.DataFrame({"y": np.zeros(len(y)) if task == "regression" else y, "group": groups})
    n_folds = max(2, min(n_folds, int(pairs.groupby("y")["group"].nunique().min())))
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
    """Assign rows to consecutive stretches of time, each validated by models of earlier rows.

    Rows of one time stay in one stretch, and no stretch is empty.

    Parameters
    ----------
    moments : ndarray of shape (n_rows,)
    n_folds : int
        At most; one less than the distinct times if these are fewer.

    Returns
    -------
    ndarray of int, shape (1, n_rows)
        0 for the first validated stretch and so on; -1 for the oldest rows, which are
        never validated.

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
    """Return the training rows of a fold: all others, or only older ones with forward folds."""
    of_repeat = folds[repeat]
    return np.flatnonzero(of_repeat < fold if forward else of_repeat != fold)


def strata(y: np.ndarray, task: Task) -> np.ndarray:
    """Return the class codes, or for regression the decile of each number."""
    if task != "regression":
        return y
    edges = np.unique(np.quantile(y, np.linspace(0, 1, TARGET_BINS + 1)[1:-1]))
    return np.searchsorted(edges, y)

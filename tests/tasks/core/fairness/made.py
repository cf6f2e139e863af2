"""Studies whose groups, and what a mix does to them, are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.metrics import METRICS

REAL_ONLY, MIX = Arm(Mix(), "linear"), Arm(Mix("ctgan", 1.0), "linear")
LOG_LOSS: MetricSpec = METRICS["log_loss"]


def people(rng: np.random.Generator, n_rows: int, **shares: list[float]) -> pd.DataFrame:
    """Draw columns of levels with these shares; the last level is the one that a mix harms."""
    return pd.DataFrame(
        {
            name: rng.choice([f"{name}-{i}" for i in range(len(each))], n_rows, p=each)
            for name, each in shares.items()
        }
    )


def decided(
    seed: int,
    groups: pd.DataFrame,
    *,
    gap: float = 0.0,
    widening: float = 0.0,
    base: float = 0.3,
    agreement: float = 0.95,
    n_repeats: int = 1,
) -> OutOfFold:
    """Decide for each row by both arms: in the last level of the first column `gap` more are selected, and by the mix
    `widening` more again."""
    rng = np.random.default_rng(seed)
    n_rows, column = len(groups), groups.iloc[:, 0]
    is_last = (column == column.max()).to_numpy()
    merit = rng.normal(size=n_rows)
    y = (merit + rng.normal(size=n_rows) > 0.7).astype(int)
    predictions = np.empty((2, n_repeats, n_rows, 2))
    for repeat in range(n_repeats):
        other = agreement * merit + np.sqrt(1 - agreement**2) * rng.normal(size=n_rows)
        for arm, (score, more) in enumerate(((merit, gap), (other, gap + widening))):
            threshold = stats.norm.isf(base + more * is_last)
            positive = stats.norm.cdf(score - threshold)
            predictions[arm, repeat] = np.column_stack([1 - positive, positive])
    folds = np.array([rng.permutation(np.arange(n_rows) % 5) for _ in range(n_repeats)])
    return OutOfFold((REAL_ONLY, MIX), y, folds, predictions, 0.8 * n_rows)

"""Training sets, made of real rows, a pool of synthetic rows and a mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import SyntheticPoolTooSmall
from realmix.tasks.core.mixes.arms import Balance, Mix
from realmix.tasks.core.table.schema import Schema

REAL = "real"
# Softened labels are half a row's own. With the teacher's out-of-fold labels alone XGBoost lost 2.0 %,
# 1.7 % and 3.2 % of log-loss or RMSE at 200, 500 and 1,000 rows; with half and half of the fitted
# teacher's labels it gained 2.0 %, 0.9 % and 0.0 % (six tables, two draws).
OWN_LABEL_SHARE = 0.5


@dataclass(frozen=True)
class Pool:
    """Synthetic rows of one fit, and the teacher's labels of them.

    Attributes
    ----------
    rows : DataFrame of shape (n_pool, n_modelled)
        Canonical. Smaller draws are prefixes of larger ones, within each class.
    teacher : ndarray of shape (n_pool, n_classes) or (n_pool,), or None
        The teacher's class probabilities or mean for these rows.
    """

    rows: pd.DataFrame
    teacher: np.ndarray | None = None


@dataclass(frozen=True)
class TrainingSet:
    """What a learner is fitted on.

    Attributes
    ----------
    rows : DataFrame of shape (n_rows, n_modelled)
        Canonical, real rows first in their order; the target as hard label.
    y_proba : ndarray of shape (n_rows, n_classes) or (n_rows,)
        Soft targets.
    sample_weight : ndarray of shape (n_rows,)
    origin : ndarray of str, shape (n_rows,)
        "real" or the synthesizer's name.
    """

    rows: pd.DataFrame
    y_proba: np.ndarray
    sample_weight: np.ndarray
    origin: np.ndarray


def class_totals(real: pd.DataFrame, schema: Schema, base_weight: np.ndarray) -> np.ndarray:
    """Add up the weights of the real rows of each class, of shape (n_classes,)."""
    return np.bincount(schema.encode_target(real), weights=base_weight, minlength=len(schema.classes))


def synthetic_quota(totals: np.ndarray, n_synthetic: int, balance: Balance) -> np.ndarray:
    """Compute how many synthetic rows of each class a mix takes.

    Parameters
    ----------
    totals : ndarray of shape (n_classes,)
        Weight of the real training rows per class, on average 1 per row.
    n_synthetic : int
    balance : {"prior", "balanced"}
        "prior" keeps the shares of the real rows; "balanced" raises the rarest classes
        first, until the synthetic rows are used up or all classes are level.

    Returns
    -------
    ndarray of int, shape (n_classes,)
        Sums to `n_synthetic`; 0 for a class without real rows, which nothing can be learned of.

    Examples
    --------
    >>> synthetic_quota(np.array([90, 10]), 50, "prior").tolist()
    [45, 5]
    >>> synthetic_quota(np.array([90, 10]), 50, "balanced").tolist()
    [0, 50]
    """
    present = totals > 0
    weights = totals[present]
    if balance == "prior":
        shares = weights / weights.sum() * n_synthetic
    else:
        shares = np.clip(_water_level(np.sort(weights), n_synthetic) - weights, 0, None)
    quota = np.zeros(len(totals), dtype=int)
    quota[present] = _largest_remainder(shares, n_synthetic)
    return quota


def pool_quota(totals: np.ndarray, n_synthetic: int, balances: tuple[Balance, ...]) -> np.ndarray:
    """Return the rows of each class that a pool needs so that every one of `balances` can be drawn."""
    return np.max([synthetic_quota(totals, n_synthetic, b) for b in balances], axis=0)


def draw(pool: pd.DataFrame, schema: Schema, quota: np.ndarray) -> np.ndarray:
    """Return the positions of the first rows of each class in a pool.

    Returns
    -------
    ndarray of int
        In pool order.

    Raises
    ------
    SyntheticPoolTooSmall
        If the pool holds fewer rows of a class than its quota.
    """
    codes = schema.encode_target(pool)
    chosen = []
    for code, wanted in enumerate(quota):
        found = np.flatnonzero(codes == code)
        if len(found) < wanted:
            raise SyntheticPoolTooSmall(
                f"The mix needs {wanted:,} synthetic rows of class '{schema.classes[code]}', the "
                f"pool holds {len(found):,}: sample more rows or lower the ratio."
            )
        chosen.append(found[:wanted])
    return np.sort(np.concatenate(chosen))


def mix_training_set(
    real: pd.DataFrame,
    pool: Pool | None,
    mix: Mix,
    *,
    schema: Schema,
    base_weight: np.ndarray | None = None,
    real_teacher: np.ndarray | None = None,
    chosen: np.ndarray | None = None,
) -> TrainingSet:
    """Append the first synthetic rows of a pool to the real training rows.

    Parameters
    ----------
    real : DataFrame of shape (n_real, n_modelled)
        Canonical training rows; holdout and validation rows never come here.
    pool : Pool or None
        None where the mix adds no synthetic rows.
    mix : Mix
    schema : Schema
    base_weight : ndarray of shape (n_real,), optional
        Weights of the real rows, 1 by default.
    real_teacher : ndarray of shape (n_real, n_classes) or (n_real,), optional
        The teacher's labels of the real rows, for mixes that soften these.
    chosen : ndarray of int, optional
        Positions of the synthetic rows in the pool; the first rows of each class when None.

    Returns
    -------
    TrainingSet
        n_real + round(synthetic_ratio * n_real) rows, or as many synthetic ones as were chosen. The synthetic block weighs
        `mix.weight` times what the real block weighs.

    Raises
    ------
    SyntheticPoolTooSmall
        If the ratio asks for more rows than the pool holds.

    References
    ----------
    Bucila, Caruana, Niculescu-Mizil 2006, model compression, doi:10.1145/1150402.1150464.
    """
    weight = np.ones(len(real)) if base_weight is None else base_weight
    own = _real_labels(real, mix, schema, real_teacher)
    if mix.synthesizer is None or pool is None:
        return _real_set(real, own, mix, schema, weight)
    n_synthetic = round(mix.synthetic_ratio * len(real))
    if chosen is None:
        chosen = _choose(real, weight, pool.rows, mix, schema, n_synthetic)
    rows = pool.rows.iloc[chosen].copy()
    soft = schema.one_hot_target(rows)
    if mix.label_rule == "teacher":
        if pool.teacher is None:
            raise ValueError("A teacher mix needs a pool that the teacher has labelled.")
        soft = pool.teacher[chosen]
        classes = np.array(schema.classes, dtype=object)
        rows[schema.target] = classes[soft.argmax(axis=1)] if schema.is_classification else soft
    block_weight = np.full(len(rows), mix.weight * weight.sum() / max(len(rows), 1))
    return TrainingSet(
        rows=pd.concat([real, rows], ignore_index=True),
        y_proba=np.concatenate([own, soft]),
        sample_weight=np.concatenate([weight, block_weight]),
        origin=np.repeat(np.array([REAL, mix.synthesizer], dtype=object), [len(real), len(rows)]),
    )


def _real_labels(real: pd.DataFrame, mix: Mix, schema: Schema, teacher: np.ndarray | None) -> np.ndarray:
    own = schema.one_hot_target(real)
    if not mix.softens_real_labels:
        return own
    if teacher is None:
        raise ValueError("Softened labels need the teacher's labels of the real rows.")
    softened: np.ndarray = OWN_LABEL_SHARE * own + (1 - OWN_LABEL_SHARE) * teacher
    return softened


def _real_set(
    real: pd.DataFrame, soft: np.ndarray, mix: Mix, schema: Schema, weight: np.ndarray
) -> TrainingSet:
    if mix.balance == "balanced":
        # As class_weight="balanced" in scikit-learn.
        totals = class_totals(real, schema, weight)
        level = totals.sum() / len(totals)
        raised = np.divide(level, totals, out=np.zeros_like(totals), where=totals > 0)
        weight = weight * raised[schema.encode_target(real)]
    origin = np.full(len(real), REAL, dtype=object)
    return TrainingSet(real.reset_index(drop=True), soft, weight, origin)


def _choose(
    real: pd.DataFrame, weight: np.ndarray, pool: pd.DataFrame, mix: Mix, schema: Schema, n_synthetic: int
) -> np.ndarray:
    if schema.is_classification:
        totals = class_totals(real, schema, weight)
        return draw(pool, schema, synthetic_quota(totals, n_synthetic, mix.balance))
    if len(pool) < n_synthetic:
        raise SyntheticPoolTooSmall(
            f"synthetic_ratio={mix.synthetic_ratio:g} needs {n_synthetic:,} synthetic rows, the pool "
            f"holds {len(pool):,}: sample more or lower the ratio to {len(pool) / len(real):g}."
        )
    return np.arange(n_synthetic)


def _largest_remainder(shares: np.ndarray, total: int) -> np.ndarray:
    whole = np.floor(shares).astype(int)
    missing = total - int(whole.sum())
    order = np.argsort(-(shares - whole), kind="stable")
    whole[order[:missing]] += 1
    return whole


def _water_level(ordered: np.ndarray, amount: int) -> float:
    """Return the level up to which `amount` more rows fill the smallest classes."""
    for k in range(1, len(ordered) + 1):
        level = (ordered[:k].sum() + amount) / k
        if k == len(ordered) or level <= ordered[k]:
            break
    return float(level)


def class_counts_by_label(quota: np.ndarray, schema: Schema) -> Mapping[str, int]:
    """Return a quota as class to number of rows, as synthesizers take it."""
    return dict(zip(schema.classes, (int(n) for n in quota), strict=True))

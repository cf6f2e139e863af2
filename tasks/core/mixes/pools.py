"""Pools of synthetic rows: each fit draws one, and every ratio takes its first rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import Synthesizer, SynthesizerSpec
from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema

# A pool with a smaller share of the requested rows is a failure, not a small pool.
MIN_KEPT_SHARE = 0.9
# Fewer rows than this may be all alike by chance.
MIN_ROWS_TO_JUDGE = 10


@dataclass(frozen=True)
class PoolLog:
    """How many rows a synthesizer was asked for, how many it drew, and the time that took.

    Attributes
    ----------
    asked, made, kept : int
        Rows requested; rows drawn; usable rows among these.
    asked_by_class : dict or None
        Rows requested of each class; None for regression and for the real class mix.
    copies_of_real : int
        Usable rows equal to a real training row in every modelled column.
    seconds_fit, seconds_sample : float
    steps : int or None
        Optimiser steps of a network that could stop before its last.
    failure : str or None
        Why the synthesizer was dropped, None where it was not.
    repaired, dropped : int
        Drawn rows in which a rule of the card set a cell, and that broke one and were drawn again.
    """

    asked: int
    made: int = 0
    kept: int = 0
    asked_by_class: dict[str, int] | None = None
    copies_of_real: int = 0
    seconds_fit: float = 0.0
    seconds_sample: float = 0.0
    steps: int | None = None
    failure: str | None = None
    repaired: int = 0
    dropped: int = 0


def draw_pool(
    synthesizer_spec: SynthesizerSpec,
    card: DataCard,
    real: pd.DataFrame,
    *,
    schema: Schema,
    n_rows_by_class: Mapping[str, int] | None,
    n_rows: int,
    seed_key: tuple[object, ...],
    max_steps: int | None,
) -> tuple[pd.DataFrame, PoolLog]:
    """Fit a synthesizer once and draw its pool.

    Parameters
    ----------
    synthesizer_spec : SynthesizerSpec
    card : DataCard
    real : DataFrame of shape (n_real, n_modelled)
        Canonical training rows of one fold.
    schema : Schema
    n_rows_by_class : mapping of class to count, or None
        None asks for the real class mix, and for regression.
    n_rows : int
        Size of the pool, the sum of `n_rows_by_class`.
    seed_key : tuple
        Key of this fit, for example ``(snapshot, fold, "ctgan", draw)``.
    max_steps : int or None
        Limit of a fit in steps; None takes the synthesizer's default.

    Returns
    -------
    pool : DataFrame of shape (n_kept, n_modelled)
        Canonical; each class in drawn order, so that prefixes are nested.
    log : PoolLog

    Raises
    ------
    SynthesizerFailed
        If the generator breaks, gives fewer than `MIN_KEPT_SHARE` of the rows, only one of
        several classes, nothing but missing values, or the same row again and again.
    BadInput
        If the card holds something the synthesizer cannot use.
    """
    steps = synthesizer_spec.default_steps if max_steps is None else max_steps
    started = time.perf_counter()
    synthesizer = _fit(synthesizer_spec, card, real, schema, derive_seed(*seed_key, "fit"), steps)
    fitted = time.perf_counter()
    drawn = _sample(
        synthesizer_spec.name, synthesizer, n_rows, n_rows_by_class, derive_seed(*seed_key, "sample")
    )
    log = PoolLog(
        asked=n_rows,
        asked_by_class=None if n_rows_by_class is None else dict(n_rows_by_class),
        made=len(drawn),
        seconds_fit=fitted - started,
        seconds_sample=time.perf_counter() - fitted,
        steps=getattr(synthesizer, "n_steps_", None),
        repaired=getattr(synthesizer, "n_repaired_", 0),
        dropped=getattr(synthesizer, "n_dropped_", 0),
    )
    pool = _usable(drawn, schema, n_rows_by_class, n_rows)
    check_alive(synthesizer_spec.name, pool, real, schema, n_rows=n_rows, class_counts=n_rows_by_class)
    return pool, replace(log, kept=len(pool), copies_of_real=count_copies(pool, real))


def spread_classes(labels: pd.Series | Sequence[str]) -> np.ndarray:
    """Order rows so that every prefix has nearly the class mix of the whole.

    Returns
    -------
    ndarray of shape (n_rows,)
        Positions; rows of one class keep their order.

    Examples
    --------
    >>> spread_classes(["a", "a", "a", "a", "b", "b"]).tolist()
    [0, 4, 1, 2, 5, 3]
    """
    codes, _ = pd.factorize(np.asarray(labels, dtype=object), sort=True)
    counts = np.bincount(codes) if len(codes) else np.zeros(0, dtype=int)
    rank = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    middle = (rank + 0.5) / counts[codes]
    return np.lexsort((codes, middle))


def count_copies(synthetic: pd.DataFrame, real: pd.DataFrame) -> int:
    """Count synthetic rows equal to a real row in every modelled column (missing equals missing).

    Examples
    --------
    >>> real = pd.DataFrame({"x": [1.0, None], "y": ["a", "b"]})
    >>> count_copies(pd.DataFrame({"x": [None, 1.0], "y": ["b", "b"]}), real)
    1
    """
    return int(is_copy(synthetic, real).sum())


def is_copy(synthetic: pd.DataFrame, real: pd.DataFrame) -> np.ndarray:
    """Return for each synthetic row whether it equals a real row, see :func:`count_copies`.

    Returns
    -------
    ndarray of bool of shape (n_synthetic,)
    """
    return np.isin(row_hashes(synthetic[list(real.columns)]), row_hashes(real))


def check_alive(
    name: str,
    pool: pd.DataFrame,
    real: pd.DataFrame,
    schema: Schema,
    *,
    n_rows: int,
    class_counts: Mapping[str, int] | None,
) -> None:
    """Raise if a pool shows that its generator failed: too few rows, one class, a column missing, one row.

    Raises
    ------
    SynthesizerFailed
        With the reason as a sentence.
    """
    reason = (
        _too_few(pool, n_rows)
        or _lost_classes(pool, real, schema, class_counts)
        or _lost_values(pool, real, schema)
        or _repeated_row(pool, real, schema)
    )
    if reason:
        raise SynthesizerFailed(f"'{name}' {reason}: it is out of this study; the others go on.")


def _fit(
    spec: SynthesizerSpec, card: DataCard, real: pd.DataFrame, schema: Schema, seed: int, steps: int | None
) -> Synthesizer:
    try:
        return spec.build(card).fit(real, schema=schema, random_state=seed, max_steps=steps)
    except (BadInput, SynthesizerFailed):
        raise
    except Exception as err:  # a generator may fail in any way; the study continues without it
        raise _broke(spec.name, "fitting", err) from err


def _sample(
    name: str, synthesizer: Synthesizer, n_rows: int, class_counts: Mapping[str, int] | None, seed: int
) -> pd.DataFrame:
    try:
        return synthesizer.sample(n_rows, class_counts=class_counts, random_state=seed)
    except (BadInput, SynthesizerFailed):
        raise
    except Exception as err:  # as in _fit
        raise _broke(name, "sampling", err) from err


def _broke(name: str, doing: str, err: Exception) -> SynthesizerFailed:
    # The library's own message may quote cells of the table, so only its type is reported.
    return SynthesizerFailed(
        f"'{name}' broke while {doing} ({type(err).__name__}): it is out of this study; the others go on."
    )


def _usable(
    drawn: pd.DataFrame, schema: Schema, class_counts: Mapping[str, int] | None, n_rows: int
) -> pd.DataFrame:
    """Select the rows with a known target, at most as many per class as were requested."""
    names = [column.name for column in schema.modelled]
    if drawn.empty or not set(names) <= set(drawn.columns):
        return pd.DataFrame(columns=names)
    rows = drawn[names].reset_index(drop=True)
    target = rows[schema.target]
    if not schema.is_classification:
        return rows[np.isfinite(target.to_numpy(dtype=float))].iloc[:n_rows].reset_index(drop=True)
    rows = rows[target.isin(schema.classes)]
    if class_counts is not None:
        rank = rows.groupby(schema.target).cumcount()
        rows = rows[rank < rows[schema.target].map(class_counts).fillna(0)]
    return rows.iloc[:n_rows].reset_index(drop=True)


def _too_few(pool: pd.DataFrame, n_rows: int) -> str | None:
    if n_rows and len(pool) == 0:
        return f"gave no usable row of {n_rows:,} asked for"
    if len(pool) < MIN_KEPT_SHARE * n_rows:
        return f"gave {len(pool):,} usable rows of {n_rows:,} asked for (at least 90 % are expected)"
    return None


def _lost_classes(
    pool: pd.DataFrame, real: pd.DataFrame, schema: Schema, class_counts: Mapping[str, int] | None
) -> str | None:
    if not schema.is_classification:
        return None
    counts = pool[schema.target].value_counts()
    asked = class_counts if class_counts is not None else {}
    for label, count in asked.items():
        if counts.get(label, 0) < MIN_KEPT_SHARE * count:
            return f"gave {counts.get(label, 0):,} rows of class '{label}' of {count:,} asked for"
    can_judge = class_counts is None and len(pool) >= MIN_ROWS_TO_JUDGE
    if can_judge and len(counts) == 1 and real[schema.target].nunique() > 1:
        return f"gave rows of class '{counts.index[0]}' only"
    return None


def _lost_values(pool: pd.DataFrame, real: pd.DataFrame, schema: Schema) -> str | None:
    if len(pool) < MIN_ROWS_TO_JUDGE:
        return None
    for name in schema.feature_names:
        if pool[name].isna().all() and real[name].notna().mean() > 0.5:
            return f"gave nothing but missing values in column '{name}'"
    return None


def _repeated_row(pool: pd.DataFrame, real: pd.DataFrame, schema: Schema) -> str | None:
    names = schema.feature_names
    if len(pool) < MIN_ROWS_TO_JUDGE or not names:
        return None
    if len(np.unique(row_hashes(pool[names]))) == 1 and len(np.unique(row_hashes(real[names]))) > 1:
        return f"gave the same row {len(pool):,} times"
    return None


def row_hashes(frame: pd.DataFrame) -> np.ndarray:
    """Hash each row to 64 bits; -0.0 equals 0.0, and all kinds of missing values are equal."""
    data: dict[str, Any] = {}
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            data[name] = values.astype(float) + 0.0
        else:
            data[name] = values.astype(object).where(values.notna(), None)
    return pd.util.hash_pandas_object(pd.DataFrame(data), index=False).to_numpy()

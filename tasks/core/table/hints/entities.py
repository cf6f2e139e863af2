"""Repeated entities: rows of one patient or customer that keep one target, spread over all folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.hints.hint import Hint, answers
from realmix.tasks.core.table.schema import Schema

ENTITY_KINDS = ("categorical", "numeric", "identifier")
MIN_ENTITIES = 20
MIN_ROWS_EACH = 1.5
# Share of the target's variation that the entity takes away, beyond chance.
STRONG, NOTEWORTHY = 0.75, 0.3
# Standard errors that the share must be above 0: few pairs of rows agree by chance.
CERTAIN = 4.0
# Neighbouring numbers that share the target this much, relative to equal ones, are a quantity.
SMOOTH = 0.5
# Rows are taken by whole entities, those of a sample; a sample of rows would tear them apart.
MAX_SAMPLE, MAX_ROWS = 2000, 20_000


def repeated_entities(raw: pd.DataFrame, schema: Schema) -> Iterator[Hint]:
    """Yield a hint for each column whose repeated values keep one target.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        All rows.
    schema : Schema
    """
    for column in schema.columns:
        if column.role not in ("feature", "key") or column.kind not in ENTITY_KINDS:
            continue
        if column.kind == "numeric" and not column.is_integer:
            continue
        rows = rows_of_entities(raw, column.name)
        skill = entity_skill(raw[[column.name, schema.target]].iloc[rows], column, schema)
        if skill >= NOTEWORTHY:
            yield _hint(raw[column.name], skill, schema)


def rows_of_entities(raw: pd.DataFrame, name: str) -> np.ndarray:
    """Return the positions of all rows of a sample of entities, at most `MAX_ROWS`."""
    rng = np.random.default_rng(0)
    values = raw[name]
    sample = values if len(raw) <= MAX_SAMPLE else values.iloc[rng.permutation(len(raw))[:MAX_SAMPLE]]
    rows = np.flatnonzero(values.isin(sample.dropna().unique()))
    return rows if len(rows) <= MAX_ROWS else np.sort(rng.permutation(rows)[:MAX_ROWS])


def entity_skill(rows: pd.DataFrame, column: Column, schema: Schema) -> float:
    """Return the share of the target's variation that rows of one value share; 0 for no entity.

    Numbers whose neighbours share it, too, are quantities: they tell the target by their size.
    """
    codes, levels = pd.factorize(rows[column.name], sort=column.kind == "numeric")
    if len(levels) < MIN_ENTITIES or len(codes) < MIN_ROWS_EACH * len(levels):
        return 0.0
    y = schema.one_hot_target(schema.canonical_columns(rows, [schema.target]))
    y = y if schema.is_classification else (pd.Series(y).rank().to_numpy() / len(y))[:, None]
    skill, of_neighbours = shared_variation(codes, y)
    is_quantity = column.kind == "numeric" and of_neighbours > SMOOTH * skill
    by_chance = CERTAIN / np.sqrt(len(codes) - len(levels))
    return 0.0 if is_quantity or skill < by_chance else skill


def shared_variation(codes: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the share of the target's variation that rows of one level do not have among themselves.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
        Levels in their order.
    y : ndarray of shape (n_rows, n_outputs)

    Returns
    -------
    of_level : float
        1 where all rows of a level agree, about 0 where they agree by chance: half the mean squared
        difference of two rows of one level, against two rows of the table.
    of_neighbours : float
        The same for a row and one of the next level.

    Examples
    --------
    >>> shared_variation(np.array([0, 0, 1, 1, 2, 2]), np.array([[0.0], [0], [1], [1], [0], [0]]))[0]
    1.0
    """
    n = np.bincount(codes).astype(float)
    sums = np.stack([np.bincount(codes, weights=column, minlength=len(n)) for column in y.T], axis=1)
    squares = np.bincount(codes, weights=(y**2).sum(axis=1), minlength=len(n))
    total = float(y.var(axis=0, ddof=1).sum())
    repeated = n > 1
    if total == 0 or not repeated.any():
        return 0.0, 0.0
    # Pooled over levels, unbiased: within-level sums of squares over their degrees of freedom.
    within = (squares - (sums**2).sum(axis=1) / n)[repeated].sum() / (n[repeated] - 1).sum()
    means, mean_squares = sums / n[:, None], squares / n
    between = (mean_squares[1:] + mean_squares[:-1] - 2 * (means[1:] * means[:-1]).sum(axis=1)) / 2
    return float(1 - within / total), float(1 - between.mean() / total)


def _hint(values: pd.Series, skill: float, schema: Schema) -> Hint:
    name = str(values.name)
    sentence = (
        f"'{name}' has {values.nunique():,} values in {len(values):,} rows, and rows of one value share {skill:.0%} "
        f"of what varies in the target '{schema.target}': if it names a person or a thing, rows of one stand on both "
        "sides of every split, and scores are too good."
    )
    return Hint("group", (name,), sentence, answers("group", name), is_strong=skill >= STRONG)

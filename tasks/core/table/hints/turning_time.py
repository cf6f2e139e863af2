"""Tables whose signal turns over time: what a feature told of the target before, it does not tell later."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.hints.hint import Hint, answers
from realmix.tasks.core.table.schema import Schema

N_STRETCHES = 4
MIN_ROWS = 100
# A change of a correlation (of its Fisher z) that matters, and the chance of it on a table that does not turn,
# over all features and classes together.
MIN_CHANGE, MAX_CHANCE = 0.4, 1e-4
# Levels rarer than this tell nothing of a change.
MIN_LEVEL_SHARE = 0.05
YEARS = (1900, 2100)


def turning_times(rows: pd.DataFrame, schema: Schema) -> Iterator[Hint]:
    """Yield a hint for each date of a table; a strong one where the signal turns along it.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_modelled)
        Canonical, a bounded sample.
    schema : Schema
    """
    for column in schema.features:
        if column.role != "feature" or not (column.kind == "datetime" or is_year(column)):
            continue
        feature = turned_feature(rows, schema, column.name)
        # A year may be anything, also that in which a house was built.
        if column.kind == "datetime" or feature:
            yield _hint(column, feature, schema)


def is_year(column: Column) -> bool:
    """Return whether a whole number is a year by its range."""
    if not column.is_integer or column.minimum is None or column.maximum is None:
        return False
    return YEARS[0] <= column.minimum < column.maximum <= YEARS[1]


def turned_feature(rows: pd.DataFrame, schema: Schema, time: str) -> str | None:
    """Name the feature whose correlation with the target changes most along a date; None if none changes.

    The correlations in four stretches of equal length are compared by Fisher's z (Hedges and Olkin 1985,
    Statistical Methods for Meta-Analysis, chapter 11: homogeneity), with Bonferroni's correction.
    """
    from scipy import stats

    dated = rows[rows[time].notna()].sort_values(time, kind="stable")
    if len(dated) < MIN_ROWS or dated[time].nunique() < N_STRETCHES:
        return None
    names, X = _as_numbers(dated, schema, time)
    y = schema.one_hot_target(dated)
    y = y[:, 1:] if schema.is_classification else pd.Series(y).rank().to_numpy()[:, None]
    parts = np.array_split(np.arange(len(dated)), N_STRETCHES)
    z = np.arctanh(np.clip([_correlations(X[part], y[part]) for part in parts], -0.999, 0.999))
    weight = np.array([len(part) - 3 for part in parts], dtype=float)[:, None, None]
    spread = (weight * (z - (weight * z).sum(axis=0) / weight.sum()) ** 2).sum(axis=0)
    chance = stats.chi2.sf(spread, N_STRETCHES - 1) * spread.size
    turned = np.where((chance <= MAX_CHANCE) & (np.ptp(z, axis=0) >= MIN_CHANGE), np.ptp(z, axis=0), 0)
    most = int(turned.max(axis=1).argmax()) if turned.size else 0
    return names[most] if turned.size and turned[most].max() > 0 else None


def _as_numbers(rows: pd.DataFrame, schema: Schema, time: str) -> tuple[list[str], np.ndarray]:
    """Return ranks of numbers and indicators of the frequent levels, with the feature that each is of."""
    names, columns = [], []
    for column in schema.features:
        values = rows[column.name]
        if column.name == time:
            continue
        if not column.is_categorical:
            names.append(column.name)
            columns.append(values.rank().fillna(len(values) / 2).to_numpy())
            continue
        shares = values.value_counts(normalize=True)
        for level in shares.index[(shares >= MIN_LEVEL_SHARE) & (shares <= 1 - MIN_LEVEL_SHARE)]:
            names.append(column.name)
            columns.append((values == level).to_numpy(dtype=float))
    return names, np.stack(columns, axis=1) if columns else np.empty((len(rows), 0))


def _correlations(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the correlations of all features with all outcomes; 0 where one does not vary."""
    X, y = X - X.mean(axis=0), y - y.mean(axis=0)
    scale = np.sqrt((X**2).sum(axis=0)[:, None] * (y**2).sum(axis=0))
    return np.divide(X.T @ y, scale, out=np.zeros(scale.shape), where=scale > 0)


def _hint(column: Column, turned: str | None, schema: Schema) -> Hint:
    name = column.name
    if turned:
        found = (
            f"what '{turned}' tells of the target '{schema.target}' changes along it: folds at random promise what "
            "a model of the past does not keep"
        )
    else:
        found = (
            "its folds and holdout are drawn at random, as if the model were to predict rows of the same days"
        )
    what = "date" if column.kind == "datetime" else "year"
    is_strong = turned is not None and column.kind == "datetime"
    sentence = f"The table has the {what} '{name}', and {found}."
    return Hint("time", (name,), sentence, answers("time", name), is_strong)

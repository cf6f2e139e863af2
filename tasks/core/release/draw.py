"""Rows that may be shared, of rows that were drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.release.document import Dropped
from realmix.tasks.core.release.domain import Domain
from realmix.tasks.core.release.suppress import round_rare_numbers, shows_rare
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.rules import repair_rows, violations
from realmix.tasks.core.table.schema import Schema

# How a date that was written as text is restored where it is one of no time of day.
MIDNIGHT = "T00:00:00"
LABEL_KINDS, LABEL_ROLES = ("identifier",), ("key", "group")


def shareable(
    drawn: pd.DataFrame, real: pd.DataFrame, schema: Schema, card: DataCard, n_rows: int
) -> tuple[pd.DataFrame, Dropped]:
    """Round rare numbers, compute derived columns, and keep rows that break no rule and show nothing rare.

    Parameters
    ----------
    drawn : DataFrame of shape (n_drawn, n_modelled)
        Canonical.
    real : DataFrame of shape (n_real, n_modelled)
        Rows that were learned.
    schema : Schema
    card : DataCard
    n_rows : int
        At most so many are returned.

    Returns
    -------
    rows : DataFrame of shape (<= n_rows, n_modelled)
    dropped : Dropped
    """
    min_rows = card.sharing.min_rows
    rounded = schema.restore(round_rare_numbers(drawn, real, schema, min_rows))
    complete = repair_rows(rounded, card.rules)
    rows = schema.apply(complete)
    breaks = violations(complete, card.rules).any(axis=1).to_numpy(dtype=bool)
    unknown = rows[schema.target].isna().to_numpy()
    rare = shows_rare(rows, real, schema, identifying(card, schema), min_rows)
    kept = rows[~(breaks | unknown | rare)].iloc[:n_rows].reset_index(drop=True)
    return kept, Dropped(
        n_drawn=len(drawn), broke_rules=int(breaks.sum()), rare_combinations=int((~breaks & rare).sum())
    )


def identifying(card: DataCard, schema: Schema) -> Sequence[str]:
    """List the modelled columns by which somebody may know a person: declared as such, sensitive, or slices."""
    modelled = {column.name for column in schema.modelled}
    return [name for name in dict.fromkeys((*card.sharing.identifying, *card.protected)) if name in modelled]


def as_file(rows: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return rows in the columns and types of the file, and what stands in columns that nothing was learned of.

    Returns
    -------
    rows : DataFrame of shape (n_rows, n_columns)
    replaced : dict of column to what stands in it
    """
    restored = schema.restore(rows)
    table = pd.DataFrame({name: _without_midnight(cells) for name, cells in restored.items()})
    modelled = {column.name for column in schema.modelled}
    replaced = {}
    for column in schema.columns:
        if column.name in modelled or column.kind in ("constant", "empty"):
            continue
        if column.kind in LABEL_KINDS or column.role in LABEL_ROLES:
            table[column.name] = [f"synthetic-{place:06d}" for place in range(1, len(table) + 1)]
            replaced[column.name] = "holds made-up labels"
        else:
            table[column.name] = pd.Series([None] * len(table), dtype=object)
            replaced[column.name] = "is left empty"
    return table, replaced


def _without_midnight(cells: pd.Series) -> pd.Series:
    """Return dates of which none has a time of day as dates alone, and all other cells as they are."""
    text = cells.dropna()
    if cells.dtype == object and len(text) and all(str(cell).endswith(MIDNIGHT) for cell in text):
        return cells.map(lambda cell: cell.removesuffix(MIDNIGHT), na_action="ignore")
    return cells


def as_declared(rows: pd.DataFrame, card: DataCard) -> pd.DataFrame:
    """Return rows drawn from declared bins with the types of their declarations, without those that break a rule.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_declared)
    card : DataCard
        With `dp`.
    """
    assert card.dp is not None
    table = pd.DataFrame({name: _typed(rows[name], Domain(bins)) for name, bins in card.dp.columns.items()})
    complete = repair_rows(table, card.rules)
    return complete[~violations(complete, card.rules).any(axis=1)].reset_index(drop=True)


def _typed(values: pd.Series, domain: Domain) -> pd.Series:
    if domain.bins.is_date:
        moments = pd.to_datetime(values, unit="s")
        form = "%Y-%m-%d" if domain.bins.whole else "%Y-%m-%dT%H:%M:%S"
        return moments.dt.strftime(form).astype(object).where(moments.notna(), None)
    return values.astype("Int64") if domain.bins.edges and domain.bins.whole else values


def deal(folds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions of learned rows, of rows that were not, and of the attacker's own: the last two folds.

    Examples
    --------
    >>> [part.tolist() for part in deal(np.array([0, 1, 2, 3, 4]))]
    [[0, 1, 2], [3], [4]]
    """
    last = folds.max()
    return np.flatnonzero(folds < last - 1), np.flatnonzero(folds == last - 1), np.flatnonzero(folds == last)

"""Differences between the columns of a batch and of its table, described without quoting cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from realmix.tasks.core.lifecycle.column_drift import unit_factor
from realmix.tasks.core.lifecycle.drift import MIN_ROWS
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.columns import BOOLEAN_TEXTS, Column
from realmix.tasks.core.table.dates_as_written import as_moments, iso_texts, seconds_since_1970
from realmix.tasks.core.table.rule_kinds import columns_of
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.words import wrong_cells_in_words

# A sentence names at most this many levels and counts the others.
NAMED_LEVELS = 5


@dataclass(frozen=True)
class SchemaChange:
    """Differences of a batch from its table.

    Attributes
    ----------
    new_columns, lost_columns : tuple of str
    missed : tuple of str
        Lost columns that the batch needs.
    wrong_cells : dict of column to (count, expected)
        Cells of another type than the table's column; the batch cannot be used.
    new_levels : dict of column to levels
        New levels of categorical features; for sensitive columns only their number.
    unit_factors : dict of column to float
        How many times as large the numbers are, if they seem to be in another unit.
    """

    new_columns: tuple[str, ...] = ()
    lost_columns: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    wrong_cells: dict[str, tuple[int, str]] = field(default_factory=dict)
    new_levels: dict[str, tuple[str, ...] | int] = field(default_factory=dict)
    unit_factors: dict[str, float] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """Why the batch cannot be used, as a sentence; None if it can."""
        if self.missed:
            return (
                f"The batch has no column {_quoted(self.missed)}, which models of the table need. Add it, "
                "with empty cells where a value is not known yet."
            )
        if self.wrong_cells:
            columns = "; ".join(
                f"'{name}' holds {wrong_cells_in_words(count, expected)}"
                for name, (count, expected) in self.wrong_cells.items()
            )
            return f"The columns of the batch are not of the table's types: {columns}. Correct or empty these cells."
        return None

    @property
    def sentences(self) -> list[str]:
        """One sentence for each change."""
        changes = [f"The column '{name}' is new." for name in self.new_columns]
        changes += [f"The column '{name}' is missing." for name in self.lost_columns]
        changes += [
            f"'{name}' has {_levels_in_words(levels)} that the table has not."
            for name, levels in self.new_levels.items()
        ]
        return changes + [
            f"The numbers of '{name}' are {factor:g} times as large as in the table: check their unit."
            for name, factor in self.unit_factors.items()
        ]


def describe_schema_change(
    schema: Schema, current: pd.DataFrame, batch: pd.DataFrame, card: DataCard, *, labels_only: bool = False
) -> SchemaChange:
    """Compare the columns of a batch with those of its table.

    Parameters
    ----------
    schema : Schema
        Of the current table.
    current : DataFrame of shape (n_rows, n_columns)
        The table.
    batch : DataFrame of shape (n_arrived, any)
        As loaded.
    card : DataCard
    labels_only : bool
        True if the batch has only keys and targets.

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> table = pd.DataFrame({"age": [30, 41, 52], "bought": ["no", "yes", "no"]})
    >>> batch = pd.DataFrame({"age": [30, "forty"], "bought": ["no", "yes"], "town": ["Oulu", "Bonn"]})
    >>> change = describe_schema_change(infer_schema(table, "bought"), table, batch, DataCard(target="bought"))
    >>> change.new_columns, change.wrong_cells
    (('town',), {'age': (1, 'number')})
    """
    lost = tuple(name for name in current.columns if name not in batch.columns)
    shared = [name for name in current.columns if name in batch.columns]
    converted = {name: convert(batch[name], current[name]) for name in shared}
    wrong = {name: (count, expected) for name, (_, count, expected) in converted.items() if count}
    sound = pd.DataFrame({name: values for name, (values, count, _) in converted.items() if not count})
    needed = needed_columns(schema, card)
    return SchemaChange(
        new_columns=tuple(str(name) for name in batch.columns if name not in current.columns),
        lost_columns=() if labels_only else lost,
        missed=() if labels_only else tuple(name for name in lost if name in needed),
        wrong_cells=wrong,
        new_levels=_new_levels(schema, sound, card),
        unit_factors=_unit_factors(schema, current, sound),
    )


def needed_columns(schema: Schema, card: DataCard) -> set[str]:
    """Return the columns that models, rules, roles and protected groups need."""
    in_rules = {name for rule in card.rules for name in columns_of(rule)}
    in_roles = {column.name for column in schema.columns if column.role not in ("feature", "ignored")}
    return {*schema.feature_names, *in_roles, *card.protected, *in_rules}


def convert(values: pd.Series, like: pd.Series) -> tuple[pd.Series, int, str]:
    """Convert cells to the type of a column of the table.

    Parameters
    ----------
    values : Series of shape (n_rows,)
    like : Series
        The table's column; if it is empty, any type is accepted.

    Returns
    -------
    converted : Series of shape (n_rows,)
        Cells that cannot be converted become missing.
    n_wrong : int
        Number of cells that cannot be converted.
    expected : str
        Type that was expected.

    Examples
    --------
    >>> convert(pd.Series(["7", "x"]), pd.Series([1.5]))[1:]
    (1, 'number')
    >>> convert(pd.Series([7.0, np.nan]), pd.Series(["a"]))[0].tolist()
    ['7', None]
    """
    if like.isna().all():
        return values, 0, ""
    if pd.api.types.is_datetime64_any_dtype(like):
        converted, expected = _as_moments(values), "date"
    elif pd.api.types.infer_dtype(like, skipna=True) == "boolean":
        converted, expected = _as_truths(values), "truth value"
    elif pd.api.types.is_numeric_dtype(like):
        converted, expected = _as_numbers(values), "number"
    else:
        converted, expected = _as_texts(values), "text"
    return converted, int((converted.isna() & values.notna()).sum()), expected


def _as_moments(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values):
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[ns]")
    return as_moments(values)


def _as_truths(values: pd.Series) -> pd.Series:
    words = {text: word == "True" for text, word in BOOLEAN_TEXTS.items()}
    found = values.astype(object).map(words)
    return found.astype(bool) if found.notna().all() else found.astype(object).where(found.notna(), None)


def _as_numbers(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.Series(np.nan, index=values.index)
    if pd.api.types.is_bool_dtype(values):
        return values.astype(float)
    numbers: pd.Series = pd.to_numeric(values, errors="coerce")
    return numbers.astype(float) if numbers.isna().all() else numbers


def _as_texts(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        # As the reader writes the dates of a text file.
        return pd.Series(iso_texts(seconds_since_1970(values).to_numpy()), index=values.index, dtype=object)
    if values.dtype == object:
        return values.where(values.isna(), values.astype(str)).where(values.notna(), None)
    present = values.notna()
    if pd.api.types.is_float_dtype(values) and bool((values[present] % 1 == 0).all()):
        # Whole numbers with missing cells are read as floats.
        values = values.astype("Int64")
    return values.astype(str).astype(object).where(present, None)


def _new_levels(schema: Schema, batch: pd.DataFrame, card: DataCard) -> dict[str, tuple[str, ...] | int]:
    found: dict[str, tuple[str, ...] | int] = {}
    for column in schema.features:
        if not column.is_categorical or column.name not in batch.columns:
            continue
        levels = schema.canonical_columns(batch, [column.name])[column.name].dropna().unique()
        new = tuple(sorted(set(levels) - set(column.levels)))
        if new:
            found[column.name] = len(new) if column.name in card.sensitive else new
    return found


def _unit_factors(schema: Schema, current: pd.DataFrame, batch: pd.DataFrame) -> dict[str, float]:
    numeric: list[Column] = [c for c in schema.features if c.kind == "numeric" and c.name in batch.columns]
    if len(batch) < MIN_ROWS:
        return {}
    factors = {
        c.name: unit_factor(*(schema.canonical_columns(rows, [c.name])[c.name] for rows in (current, batch)))
        for c in numeric
    }
    return {name: factor for name, factor in factors.items() if factor is not None}


def _levels_in_words(levels: tuple[str, ...] | int) -> str:
    n_levels = levels if isinstance(levels, int) else len(levels)
    count = "1 level" if n_levels == 1 else f"{n_levels:,} levels"
    if isinstance(levels, int):
        return count
    more = f" and {n_levels - NAMED_LEVELS:,} more" if n_levels > NAMED_LEVELS else ""
    return f"{count} ({_quoted(levels[:NAMED_LEVELS])}{more})"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

"""Why a column takes no part in a study, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.schema import Schema

REASONS = {
    "identifier": "an identifier: each row has a value of its own, which tells nothing of the target",
    "text": "free text: long, and hardly any cell is repeated",
    "constant": "a constant: all filled cells hold one value",
    "empty": "empty: no cell is filled",
}
ROLES = {
    "ignored": "listed under `ignore`",
    "key": "the `key`, which names a row",
    "group": "the `group`, whose rows are never split",
    "weight": "the `weight` of a row",
}


def set_apart(schema: Schema, card: DataCard) -> dict[str, str]:
    """Return the reason for each column that models do not see.

    Parameters
    ----------
    schema : Schema
    card : DataCard

    Returns
    -------
    dict of column to reason
        In the order of the file.

    Examples
    --------
    >>> schema = Schema((Column("note", "text", "string"), Column("y", "numeric", "float", "target")), "y", "regression")
    >>> set_apart(schema, DataCard(target="y"))
    {'note': 'free text: long, and hardly any cell is repeated'}
    """
    others = (c for c in schema.columns if not c.is_feature and c.name != schema.target)
    return {column.name: _reason(column, card) for column in others}


def _reason(column: Column, card: DataCard) -> str:
    if column.role in ROLES:
        return ROLES[column.role]
    if column.name in card.columns:
        return f"declared as {column.kind} under `columns` in the card"
    return REASONS.get(column.kind, column.kind)


def table_notes(schema: Schema, card: DataCard, hints: Sequence[Hint]) -> Iterator[str]:
    """Yield a line for each column set apart and each hint, for the terminal."""
    for name, reason in set_apart(schema, card).items():
        yield f"set apart: '{name}' ({reason})"
    for hint in hints:
        yield f"hint: {hint.advice}"

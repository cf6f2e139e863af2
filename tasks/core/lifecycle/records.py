"""Registered tables, batches and decisions as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from realmix.tasks.core.table.card import DataCard


@dataclass(frozen=True)
class Registered:
    """A table that realmix looks after.

    Attributes
    ----------
    name : str
    card : DataCard
    registered_at : str
        ISO 8601, UTC.
    snapshot : str
        Digest of its rows of today, all admitted batches included.
    unlabelled : str or None
        Digest of the rows that wait for a target.
    decided : str or None
        Digest of the rows the last retraining was decided on.
    """

    name: str
    card: DataCard
    registered_at: str
    snapshot: str
    unlabelled: str | None
    decided: str | None


@dataclass(frozen=True)
class Batch:
    """Rows that arrived together.

    `digest` is of their content; `outcome` says what became of them once they are no longer waiting.
    """

    table_name: str
    digest: str
    name: str
    n_rows: int
    seen_at: str
    status: str
    outcome: dict[str, Any] | None


@dataclass(frozen=True)
class Decision:
    """An entry of the record: what was decided on a table, when and why; it cannot be changed.

    `digest` is a hash over the entry and the digest of the one before it.
    """

    table_name: str
    made_at: str
    kind: str
    document: dict[str, Any]
    digest: str

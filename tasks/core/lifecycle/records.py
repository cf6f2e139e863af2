"""Registered tables, batches and decisions as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from realmix.tasks.core.table.card import DataCard


@dataclass(frozen=True)
class Registered:
    """A table that is registered with realmix.

    Attributes
    ----------
    name : str
    card : DataCard
    registered_at : str
        ISO 8601, UTC.
    snapshot : str
        Digest of its current rows, with all admitted batches.
    unlabelled : str or None
        Digest of the rows that wait for a target.
    decided : str or None
        Digest of the rows at the last retraining decision.
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

    `digest` is of their content; `outcome` is None while they wait; `home` is the id of the home that
    found and keeps them.
    """

    table_name: str
    digest: str
    name: str
    n_rows: int
    seen_at: str
    status: str
    outcome: dict[str, Any] | None
    home: str


@dataclass(frozen=True)
class Decision:
    """An entry of the append-only decision record: what was decided on a table, when and why.

    `digest` is a hash of the entry and the digest of the previous entry.
    """

    table_name: str
    made_at: str
    kind: str
    document: dict[str, Any]
    digest: str

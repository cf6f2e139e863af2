"""What of a registered table must be kept, whatever its age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from realmix.tasks.core.lifecycle.champion_record import PROMOTION, read_champion_record
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.core.lifecycle.retraining_entry import RETRAINING, last_study

# The present champion, and the two that a rollback restores.
KEPT_CHAMPIONS = 3


@dataclass(frozen=True)
class Needed:
    """What the champion, its challenger and open decisions need.

    Attributes
    ----------
    studies : frozenset of str
        Names of their folders.
    snapshots : frozenset of str
        Digests.
    versions : frozenset of str
        Numbers in MLflow.
    """

    studies: frozenset[str]
    snapshots: frozenset[str]
    versions: frozenset[str]


def needed(table: Registered, entries: Sequence[Decision]) -> Needed:
    """Collect what a table needs: its rows, its last study, the next retraining and open decisions.

    Parameters
    ----------
    table : Registered
    entries : sequence of Decision
        Of this table, oldest first.
    """
    record = read_champion_record(entries)
    champions = record.champions[-KEPT_CHAMPIONS:]
    retrained = [entry for entry in entries if entry.kind == RETRAINING and "study" in entry.document]
    # A refit copies the last full study; the last retraining of all is what a review is about.
    last = [entry.document for entry in (*retrained[-1:], last_study(entries)) if entry]
    crowned = [e.document for e in entries if e.kind == PROMOTION and e.document["version"] in champions]
    open_decisions = [entry.document for entry in (record.waiting, record.pending, record.unsettled) if entry]
    documents = [*last, *crowned, *open_decisions]
    return Needed(
        studies=_values(documents, "study"),
        snapshots=_values(documents, "snapshot", "challenger_snapshot", "champion_snapshot")
        | {digest for digest in (table.snapshot, table.unlabelled, table.decided) if digest},
        versions=_values(documents, "version", "challenger_version", "champion_version")
        | _values([entry.document for entry in (record.unsettled,) if entry], "replaces")
        | frozenset(champions),
    )


def _values(documents: Iterable[dict[str, Any]], *keys: str) -> frozenset[str]:
    return frozenset(str(document[key]) for document in documents for key in keys if document.get(key))

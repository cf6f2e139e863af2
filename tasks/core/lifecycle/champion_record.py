"""Who is champion and who waits, as the record of a table's decisions says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realmix.tasks.core.lifecycle.records import Decision

# Kinds of entries: a challenger was judged; a champion was made, or brought back; MLflow took it.
REVIEW, PROMOTION, ROLLBACK, SETTLED = "review", "promotion", "rollback", "settled"


@dataclass(frozen=True)
class ChampionRecord:
    """A table's versions, by the record.

    Attributes
    ----------
    champions : tuple of str
        Versions that a rollback leads back through; the last one is the champion.
    waiting : Decision or None
        Review of the challenger that waits; a newer challenger takes the place of an older one.
    pending : Decision or None
        Review that could not be held, because MLflow did not answer.
    unsettled : Decision or None
        Promotion or rollback that MLflow has not taken yet.
    """

    champions: tuple[str, ...] = ()
    waiting: Decision | None = None
    pending: Decision | None = None
    unsettled: Decision | None = None


def read_champion_record(entries: Iterable[Decision]) -> ChampionRecord:
    """Follow a table's record from its beginning.

    Parameters
    ----------
    entries : iterable of Decision
        Of one table, oldest first; kinds of other meaning are passed over.
    """
    champions: list[str] = []
    waiting = pending = unsettled = None
    for entry in entries:
        document = entry.document
        if entry.kind == REVIEW:
            pending = entry if document["is_pending"] else None
            waiting = entry if _waits(entry) else None
        elif entry.kind == PROMOTION:
            if not champions and document["replaces"]:
                champions = [document["replaces"]]
            champions.append(document["version"])
            unsettled = entry
            if waiting and waiting.document["challenger_version"] == document["version"]:
                waiting = None
        elif entry.kind == ROLLBACK:
            champions.pop()
            unsettled = entry
        elif entry.kind == SETTLED and unsettled and document["settles"] == unsettled.digest:
            unsettled = None
    return ChampionRecord(tuple(champions), waiting, pending, unsettled)


def _waits(review: Decision) -> bool:
    document = review.document
    return not document["is_pending"] and document["word"] in ("promote", "not yet decidable")

"""The champion and the waiting challenger of a table, read from its record of decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realmix.tasks.core.lifecycle.entries import CleanedVersions, Move, Review, Settled
from realmix.tasks.core.lifecycle.records import Decision

# Kinds of entries: a challenger was reviewed; a champion was promoted, or restored; MLflow confirmed it;
# superseded versions were removed from MLflow.
REVIEW, PROMOTION, ROLLBACK, SETTLED, CLEANED = "review", "promotion", "rollback", "settled", "cleaned"


@dataclass(frozen=True)
class ChampionRecord:
    """Champion and open decisions of a table.

    Attributes
    ----------
    champions : tuple of str
        Versions that rollbacks restore, oldest first; the last one is the champion.
    waiting : Decision or None
        Review of the waiting challenger; a newer challenger replaces an older one.
    pending : Decision or None
        Review that is postponed because MLflow did not answer.
    unsettled : Decision or None
        Promotion or rollback that MLflow has not confirmed yet.
    """

    champions: tuple[str, ...] = ()
    waiting: Decision | None = None
    pending: Decision | None = None
    unsettled: Decision | None = None


def read_champion_record(entries: Iterable[Decision]) -> ChampionRecord:
    """Derive the champion and open decisions from a table's record.

    Parameters
    ----------
    entries : iterable of Decision
        Of one table, oldest first; other kinds are ignored.
    """
    champions: list[str] = []
    waiting = pending = unsettled = None
    for entry in entries:
        document = entry.document
        if entry.kind == REVIEW:
            review = Review.read(document)
            pending = entry if review.is_pending else None
            is_open = review.word in ("promote", "not yet decidable")
            waiting = entry if is_open and not pending else None
        elif entry.kind == PROMOTION:
            move = Move.read(document)
            if not champions and move.replaces:
                champions = [move.replaces]
            champions.append(move.version)
            unsettled = entry
            if waiting and Review.read(waiting.document).challenger_version == move.version:
                waiting = None
        elif entry.kind == ROLLBACK:
            champions.pop()
            unsettled = entry
        elif entry.kind == CLEANED:
            cleaned = CleanedVersions.read(document).versions
            champions = [version for version in champions if version not in cleaned]
        elif entry.kind == SETTLED and unsettled and Settled.read(document).settles == unsettled.digest:
            unsettled = None
    return ChampionRecord(tuple(champions), waiting, pending, unsettled)

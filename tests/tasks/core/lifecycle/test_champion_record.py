"""Who is champion and who waits follows from the record alone."""

from __future__ import annotations

from itertools import count

from realmix.tasks.core.lifecycle.champion_record import (
    PROMOTION,
    REVIEW,
    ROLLBACK,
    SETTLED,
    read_champion_record,
)
from realmix.tasks.core.lifecycle.records import Decision

numbers = count()


def entry(kind: str, **document) -> Decision:
    return Decision("bank", "2026-01-01T00:00:00+00:00", kind, document, f"digest {next(numbers)}")


def review(version: str, word: str, *, is_pending: bool = False) -> Decision:
    return entry(REVIEW, study="bank", challenger_version=version, word=word, is_pending=is_pending)


def promotion(version: str, replaces: str | None) -> Decision:
    return entry(PROMOTION, version=version, replaces=replaces)


def settled(intended: Decision) -> Decision:
    return entry(SETTLED, settles=intended.digest, version=intended.document["version"])


def test_an_empty_record_knows_nobody():
    assert read_champion_record([]) == read_champion_record([entry("retraining", level="skip")])
    assert read_champion_record([]).champions == ()


def test_each_promotion_can_be_taken_back_one_after_the_other():
    record = [promotion("1", None), promotion("2", "1"), promotion("3", "2")]
    assert read_champion_record(record).champions == ("1", "2", "3")
    record.append(entry(ROLLBACK, version="2", replaces="3"))
    record.append(entry(ROLLBACK, version="1", replaces="2"))
    assert read_champion_record(record).champions == ("1",)
    assert read_champion_record([*record, promotion("4", "1")]).champions == ("1", "4")


def test_a_champion_from_before_the_record_began_can_be_brought_back():
    assert read_champion_record([promotion("7", "6")]).champions == ("6", "7")


def test_a_challenger_waits_until_it_is_promoted_or_another_comes():
    waits = review("2", "promote")
    assert read_champion_record([waits]).waiting == waits
    assert read_champion_record([waits, promotion("2", "1")]).waiting is None
    assert read_champion_record([waits, review("3", "keep champion")]).waiting is None
    undecided = review("3", "not yet decidable")
    assert read_champion_record([waits, undecided]).waiting == undecided


def test_a_review_that_could_not_be_held_is_pending_until_it_is():
    pending = review("2", "not yet decidable", is_pending=True)
    assert read_champion_record([pending]).pending == pending
    assert read_champion_record([pending]).waiting is None
    assert read_champion_record([pending, review("2", "promote")]).pending is None


def test_a_move_is_unsettled_until_mlflow_took_it_and_only_the_last_one_counts():
    first, second = promotion("1", None), promotion("2", "1")
    assert read_champion_record([first]).unsettled == first
    assert read_champion_record([first, settled(first)]).unsettled is None
    assert read_champion_record([first, second, settled(first)]).unsettled == second
    assert read_champion_record([first, second, settled(second)]).unsettled is None

"""What the champion, its challenger and open decisions need is never cleaned away."""

from __future__ import annotations

from typing import Any

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.lifecycle.champion_record import CLEANED, PROMOTION, REVIEW, read_champion_record
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.core.lifecycle.retention import KEPT_CHAMPIONS, needed
from realmix.tasks.core.lifecycle.retraining_entry import last_study
from realmix.tasks.core.table.card import DataCard

TABLE = Registered("shop", DataCard(target="y"), "", "rows-today", "without-label", "rows-decided")


def entry(kind: str, **document: Any) -> Decision:
    return Decision("shop", "", kind, document, f"{kind}-{document}")


def night(number: int, level: str, *, promoted: bool) -> list[Decision]:
    """A retraining, its review and, where it is promoted, its promotion."""
    version, study, rows = str(number), f"shop-{number}", f"rows-{number}"
    reviewed = {"study": study, "challenger_version": version, "challenger_snapshot": rows,
                "champion_version": None, "champion_snapshot": None, "is_pending": False}  # fmt: skip
    word = "promote" if promoted else "keep champion"
    entries = [entry(REVIEW, **reviewed, word=word)]
    if promoted:
        entries.append(
            entry(PROMOTION, version=version, replaces=None, study=study, challenger_snapshot=rows)
        )
    return [*entries, entry("retraining", level=level, study=study, snapshot=rows, version=version)]


def test_a_new_table_needs_its_rows():
    found = needed(TABLE, [])
    assert found.snapshots == {"rows-today", "without-label", "rows-decided"}
    assert found.studies == found.versions == frozenset()


def test_the_last_study_the_last_refit_and_the_last_champions_are_needed():
    entries = [e for n in range(1, 7) for e in night(n, "study", promoted=True)]
    entries += [e for n in (7, 8) for e in night(n, "refit", promoted=False)]
    found = needed(TABLE, entries)
    assert KEPT_CHAMPIONS == 3
    assert found.versions == {"4", "5", "6", "8"}
    assert found.studies == {"shop-4", "shop-5", "shop-6", "shop-8"}
    assert {"rows-4", "rows-5", "rows-6", "rows-8"} < found.snapshots
    assert "rows-7" not in found.snapshots


def test_a_study_that_decided_nothing_does_not_free_the_one_that_later_retrainings_need():
    undecided = {"level": "study", "verdict": NOT_DECIDED}
    lost = entry("retraining", **undecided, study="shop-3", snapshot="rows-3", version=None)
    entries = [*night(1, "study", promoted=True), *night(2, "study", promoted=False), lost]
    assert last_study(entries) == entries[-2]
    found = needed(TABLE, entries)
    assert found.studies == {"shop-1", "shop-2", "shop-3"}
    assert {"rows-1", "rows-2", "rows-3"} < found.snapshots


def test_an_open_decision_keeps_both_versions_and_their_rows():
    waiting = entry(
        REVIEW, study="shop-9", challenger_version="9", challenger_snapshot="rows-9", champion_version="2",
        champion_snapshot="rows-2", is_pending=False, word="promote",
    )  # fmt: skip
    entries = [*night(2, "study", promoted=True), waiting, *night(3, "refit", promoted=False)[1:]]
    found = needed(TABLE, entries)
    assert {"2", "9", "3"} == found.versions
    assert {"rows-2", "rows-9"} < found.snapshots and "shop-9" in found.studies


def test_no_rollback_leads_to_a_version_that_was_cleaned_away():
    entries = [e for n in range(1, 5) for e in night(n, "study", promoted=True)]
    assert read_champion_record(entries).champions == ("1", "2", "3", "4")
    cleaned = [*entries, entry(CLEANED, versions=["1"])]
    assert read_champion_record(cleaned).champions == ("2", "3", "4")

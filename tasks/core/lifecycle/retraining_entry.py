"""Entries of retrainings in the record of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.lifecycle.drift import Drift
from realmix.tasks.core.lifecycle.entries import Retraining
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.core.lifecycle.retrain_level import Changes, LevelChoice

# Kind of these entries.
RETRAINING = "retraining"


def last_study(entries: Sequence[Decision]) -> Decision | None:
    """Return a table's last retraining that was a full study and decided; None where there was none.

    Later retrainings are compared with its rows, and refit its winner.

    Parameters
    ----------
    entries : sequence of Decision
        Of one table, oldest first; other kinds are ignored.
    """
    for entry in reversed(entries):
        if entry.kind == RETRAINING:
            retraining = Retraining.read(entry.document)
            if retraining.level == "study" and retraining.verdict != NOT_DECIDED:
                return entry
    return None


def retraining_entry(
    table: Registered,
    why: str,
    choice: LevelChoice,
    changes: Changes | None,
    drift: Drift | None,
    arrivals: list[dict[str, Any]],
    document: dict[str, Any] | None,
    judgement: dict[str, Any] | None,
) -> Retraining:
    """Build the record entry of a retraining; without a study it has neither document nor judgement."""
    entry: dict[str, Any] = {
        "why": why,
        "level": choice.level,
        "reason": choice.reason,
        "snapshot": table.snapshot,
        "n_changed": changes.n_changed if changes else None,
        "drift": drift.to_dict() if drift else None,
        "arrivals": arrivals,
    }
    if document is None:
        return Retraining.build(entry)
    winner = document["winner"]
    of_study = {
        "study": document["study"],
        "n_rows": document["table"]["n_rows"],
        "verdict": document["word"],
        "winner": {"name": winner["name"], "synthesizer": winner["recipe"]["synthesizer"]},
        "promised_gain": document["validation"]["promised_gain"],
        "holdout": document["holdout"] and document["holdout"]["sentence"],
        "run_id": document["tracking"]["run_id"],
        "version": document["tracking"].get("version"),
        "judgement": judgement,
    }
    return Retraining.build(entry | of_study)

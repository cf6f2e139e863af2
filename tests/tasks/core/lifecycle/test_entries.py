"""Entries of the record of decisions keep the text that they were stored with."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.challenge import undecided
from realmix.tasks.core.lifecycle.entries import (
    CleanedVersions,
    Epoch,
    Promotion,
    Retraining,
    Review,
    Rollback,
    Settled,
)

STATE = Path(__file__).parents[2] / "runtime" / "homes" / "first_release" / "state.sqlite"
STORED = {"retraining": Retraining, "review": Review, "promotion": Promotion, "settled": Settled}
REVIEW = {
    "word": "promote", "reason": "better", "metric": "log_loss", "n_rows": 400, "rows_needed": 390,
    "gates": [{"name": "overall", "passed": True, "sentence": "better", "numbers": {"interval": [0.1, 2]}}],
    "champion_score": 0.5, "challenger_score": 0.25, "gain": 0.5, "interval": [0.1, 1], "tolerance": 0.02,
    "waits_for_approval": False, "decisions_served": [1, 2], "study": "bank-0002", "challenger_version": "2",
    "challenger_snapshot": "b2", "champion_version": "1", "champion_snapshot": "a1",
    "drift_is_critical": False, "is_pending": False, "challenger_files": {"model": "0a"},
}  # fmt: skip
MOVE = {"version": "1", "replaces": "2", "reason": "slow", "by": "me"}
RETRAINING = {
    "why": "asked", "level": "refit", "reason": "rows came", "snapshot": "b2", "n_changed": 60,
    "drift": {"level": "none"}, "arrivals": [{"name": "june.csv", "n_rows": 60}], "study": "bank-0002",
    "n_rows": 1060, "verdict": "proven", "winner": {"name": "smote/1", "synthesizer": "smote"},
    "promised_gain": 0.01, "holdout": None, "run_id": "r", "version": "2",
    "judgement": REVIEW | {"promoted": True},
}  # fmt: skip
WHOLE = [
    (Review, REVIEW),
    (Promotion, MOVE | {"study": "bank-0002", "word": "promote", "gain": 0.5, "interval": [0.1, 1]}),
    (Rollback, MOVE | {"snapshot": "a1", "replaced_snapshot": None}),
    (Settled, {"settles": "d1", "version": "1"}),
    (CleanedVersions, {"versions": ["1", "2"]}),
    (Epoch, {"cutoff_before": 1.5, "cutoff": 2, "snapshot": "a1"}),
    (Retraining, RETRAINING),
    (Retraining, {"level": "skip", "of_a_later_release": [1, 1.0]}),
]


def text(document: dict) -> str:
    return json.dumps(document, sort_keys=True, allow_nan=False)


def test_what_the_first_release_stored_is_read_and_keeps_its_text():
    with closing(sqlite3.connect(f"file:{STATE}?mode=ro&immutable=1", uri=True)) as state:
        stored = state.execute("SELECT kind, document FROM decisions ORDER BY id").fetchall()
    assert [kind for kind, _ in stored] == list(STORED)
    for kind, document in stored:
        assert text(STORED[kind].read(json.loads(document)).to_dict()) == document


@pytest.mark.parametrize(("model", "entry"), WHOLE)
def test_an_entry_keeps_its_text(model, entry):
    assert text(model.build(entry).to_dict()) == text(entry)


def test_an_undecided_judgement_names_every_field_and_what_is_unknown_is_null():
    found = undecided("No row is new.", "log_loss", drift_is_critical=True)
    assert list(found.to_dict()) == list(type(found).model_fields)
    assert found.gain is None and found.waits_for_approval


@pytest.mark.parametrize("change", [{"word": "perhaps"}, {"is_pending": None}, {"study": 7}])
def test_an_entry_of_another_form_is_refused_by_the_name_of_the_field(change):
    with pytest.raises(BadInput, match=f"record entry of a review's `{next(iter(change))}`"):
        Review.read(REVIEW | change)

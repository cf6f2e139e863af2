"""MLflow runs of a verdict document."""

from __future__ import annotations

from realmix.tasks.core.report.mlflow_records import (
    MAX_CHILDREN,
    MAX_NOTE,
    generalisation_metrics,
    history_metrics,
    history_note,
    rows_saved_metrics,
    run_times,
    shown_arms,
)


def arms(n_candidates: int) -> list[dict]:
    """Candidates, best first, then two controls and real rows alone, which the race has beaten."""
    roles = ["candidate"] * n_candidates + ["control", "control", "real_only"]
    return [{"name": f"arm-{i}", "role": role} for i, role in enumerate(roles)]


def test_at_most_ninety_arms_have_a_run_and_what_ships_controls_and_real_rows_are_among_them():
    document = {"arms": arms(200), "winner": {"name": "arm-150"}}
    shown = [row["name"] for row in shown_arms(document)]
    best = [f"arm-{i}" for i in range(MAX_CHILDREN - 4)]
    assert shown == [*best, "arm-150", "arm-200", "arm-201", "arm-202"]
    assert len(shown) == MAX_CHILDREN


def test_few_arms_all_have_a_run_and_those_of_a_renewal_none():
    document = {"arms": arms(5), "winner": {"name": "arm-0"}}
    assert shown_arms(document) == document["arms"]
    assert shown_arms({**document, "renewal_of": "a study"}) == []


def test_a_renewal_had_no_race():
    assert run_times({"seconds": {"so far": 20}}, 100.0) == ((80_000, 100_000), (80_000, 100_000))


def test_what_lies_beyond_the_average_is_four_numbers():
    found = {
        "gap": {"real_only": {"gap": 0.12}, "mix": {"gap": 0.05}},
        "worst_slice_gain": -0.03,
        "shift": {"gain": 0.02},
    }
    assert generalisation_metrics(found) == {
        "gap_real_only": 0.12,
        "gap_mix": 0.05,
        "worst_slice_gain": -0.03,
        "shift_gain": 0.02,
    }


def test_without_a_mix_only_the_gap_of_real_only_is_a_number():
    found = {"gap": {"real_only": {"gap": 0.12}, "mix": None}, "worst_slice_gain": None, "shift": None}
    known = {key: value for key, value in generalisation_metrics(found).items() if value is not None}
    assert known == {"gap_real_only": 0.12}
    without = generalisation_metrics({**found, "gap": None})
    assert not any(value is not None for value in without.values())
    assert generalisation_metrics(None) == {}


def test_rows_saved_are_two_numbers_or_none():
    saved = {"rows_saved": -200, "multiplier": 0.75, "n_eq": 600, "sentence": "..."}
    assert rows_saved_metrics(saved) == {"rows_saved": -200, "rows_saved_multiplier": 0.75}
    assert rows_saved_metrics(None) == {}


def test_a_retraining_is_numbers_over_time_and_a_line_of_the_note():
    entry = {
        "level": "study",
        "reason": "the table grew",
        "n_rows": 1500,
        "n_changed": 300,
        "drift": {"level": "critical", "domain": {"auc": 0.8}},
        "promised_gain": 0.02,
        "judgement": {
            "n_rows": 60,
            "champion_score": 0.5,
            "challenger_score": 0.4,
            "gain": 0.2,
            "promoted": True,
            "reason": "It is better.",
        },
    }
    assert history_metrics(entry) == {
        "redone": 2,
        "rows": 1500,
        "rows_changed": 300,
        "drift": 2,
        "drift_auc": 0.8,
        "promised_gain": 0.02,
        "rows_compared": 60,
        "champion_score": 0.5,
        "challenger_score": 0.4,
        "challenger_gain": 0.2,
        "promoted": 1,
    }
    skipped = {"level": "skip", "reason": "nothing came", "n_changed": 0, "drift": None}
    lines = history_note([("Monday", entry), ("Tuesday", skipped)]).split("\n\n")
    assert lines == [
        "2. Tuesday: **skip**, because nothing came.",
        "1. Monday: **study**, because the table grew. It is better.",
    ]
    assert len(history_note([("Monday", entry)] * 500)) <= MAX_NOTE

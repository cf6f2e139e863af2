"""The history of a registered table in MLflow."""

from __future__ import annotations

from realmix.tasks.core.report.mlflow_history import history_metrics, history_note
from realmix.tasks.core.report.mlflow_records import MAX_NOTE


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

"""The history of a registered table in MLflow, as plain values: a point and a line per retraining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from realmix.tasks.core.report.mlflow_records import MAX_NOTE, finite

# As numbers, so that MLflow plots them.
REDONE = {"skip": 0, "refit": 1, "study": 2}
DRIFT_LEVELS = {"none": 0, "drift": 1, "critical": 2}


def history_metrics(entry: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of a retraining: rows, drift, its level, and both versions' scores.

    Parameters
    ----------
    entry : mapping
        Of a retraining, from the record of decisions.

    Returns
    -------
    dict
        `redone` is 0 for nothing, 1 for a refit and 2 for a study; `drift` is 0, 1 or, where it is
        critical, 2. Unknown values are left out.

    Examples
    --------
    >>> history_metrics({"level": "skip", "n_changed": 0, "drift": None})
    {'redone': 0.0, 'rows_changed': 0.0, 'drift': 0.0, 'promoted': 0.0}
    """
    drift, judgement = entry["drift"] or {"level": "none"}, entry.get("judgement") or {}
    return finite(
        {
            "redone": REDONE[entry["level"]],
            "rows": entry.get("n_rows"),
            "rows_changed": entry["n_changed"],
            "drift": DRIFT_LEVELS[drift["level"]],
            "drift_auc": (drift.get("domain") or {}).get("auc"),
            "promised_gain": entry.get("promised_gain"),
            "rows_compared": judgement.get("n_rows"),
            "champion_score": judgement.get("champion_score"),
            "challenger_score": judgement.get("challenger_score"),
            "challenger_gain": judgement.get("gain"),
            "promoted": float(judgement.get("promoted", False)),
        }
    )


def history_note(entries: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Return the retrainings in Markdown, latest first, as many as fit into a note.

    Parameters
    ----------
    entries : sequence of (moment, entry)
        Oldest first.
    """
    lines = []
    for number, (moment, entry) in enumerate(entries, start=1):
        judgement = (entry.get("judgement") or {}).get("reason", "")
        lines.append(
            f"{number}. {moment}: **{entry['level']}**, because {entry['reason']}. {judgement}".strip()
        )
    return "\n\n".join(reversed(lines))[:MAX_NOTE]

"""MLflow runs of a verdict document, as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from realmix.tasks.core.fairness.assessment import Fairness
from realmix.tasks.core.privacy.study_privacy import StudyPrivacy
from realmix.tasks.core.report.summary import summary_lines
from realmix.tasks.core.report.verdict_document import ArmOfStudy, VerdictDocument
from realmix.tasks.core.report.verdict_evidence import Generalisation, RowsSaved

# MLflow silently truncates tags at 8,000 and parameters at 6,000 characters.
MAX_NOTE = 7_900
MAX_PARAM = 5_900
# MLflow's pages compare runs slowly beyond 100 of them; the artifact arms.json holds every arm.
MAX_CHILDREN = 90
# Stages of a study before its race, in which every arm of the table is trained.
BEFORE_RACE = ("ingest", "validate", "plan")


@dataclass(frozen=True)
class RunRecord:
    """One MLflow run: tags to filter by, parameters and metrics."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """A metric over the synthetic ratio: integer percentage of the real rows to value."""

    key: str
    points: tuple[tuple[int, float], ...]


def study_record(document: VerdictDocument) -> RunRecord:
    """Build the parent run of a study."""
    table, metric = document.table, document.metric.name
    digest = document.digests["snapshot"]
    tags = {
        "kind": "study",
        "study": document.study,
        "verdict": document.word,
        "winner": document.winner.name,
        "metric": metric,
        "dataset_digest": digest,
        "status": "complete" if document.complete else "incomplete",
        "mlflow.note.content": note(document)[:MAX_NOTE],
    }
    params = {
        "task": table.task,
        "target": table.target,
        "n_rows": table.n_rows,
        "seed": document.seeds["study"],
        **{key: document.plan[key] for key in ("n_folds", "n_repeats", "n_trials", "n_development")},
    }
    if document.winner.threshold is not None:
        params["threshold"] = document.winner.threshold
    validation, holdout = document.validation, document.holdout
    metrics = {
        "promised_gain": validation.promised_gain,
        "naive_gain": validation.naive_gain,
        "optimism": validation.optimism,
        f"validation_{metric}": (validation.mix or validation.real_only).score,
        f"validation_{metric}_real_only": validation.real_only.score,
    }
    if holdout:
        metrics["realised_gain"] = holdout.gain
        metrics[f"holdout_{metric}"] = (holdout.mix or holdout.real_only).score
        metrics[f"holdout_{metric}_real_only"] = holdout.real_only.score
    metrics |= generalisation_metrics(document.generalisation)
    metrics |= fairness_metrics(document.fairness)
    metrics |= rows_saved_metrics(document.rows_saved)
    metrics |= privacy_metrics(document.privacy)
    texts = {key: str(value)[:MAX_PARAM] for key, value in params.items()}
    return RunRecord(document.study, tags, texts, _finite(metrics))


def generalisation_metrics(found: Generalisation | None) -> dict[str, float | None]:
    """Return the overfitting of both models, and the mix's gain on its worst slice and under a shift."""
    if found is None:
        return {}
    gap, shift = found.gap, found.shift
    return {
        "gap_real_only": gap.real_only.gap if gap and gap.real_only else None,
        "gap_mix": gap.mix.gap if gap and gap.mix else None,
        "worst_slice_gain": found.worst_slice_gain,
        "shift_gain": shift.gain if shift else None,
    }


def fairness_metrics(found: Fairness | None) -> dict[str, float | None]:
    """Return the widening of the pair of groups whose gap the best mix widens most, over all rates."""
    widened = [gap.widening for gap in found.gaps if gap.widening is not None] if found else []
    return {"largest_widening": max(widened)} if widened else {}


def rows_saved_metrics(saved: RowsSaved | None) -> dict[str, float]:
    """Return the rows saved by the best mix; bounds where the curve ends."""
    if saved is None:
        return {}
    return {"rows_saved": saved.rows_saved, "rows_saved_multiplier": saved.multiplier}


def privacy_metrics(privacy: StudyPrivacy | None) -> dict[str, float]:
    """Return what attacks recognize by the rows of the best mix's synthesizer, and whether that is a leak."""
    if privacy is None or not privacy.pools:
        return {}
    found = privacy.pools[0].assessment
    return {"privacy_tpr": found.measured.tpr, "privacy_leak": float(found.is_leaking)}


def run_times(seconds: Mapping[str, float], ended: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return when a study ran, and when the race in it did.

    Parameters
    ----------
    seconds : mapping of stage to float
        Wall seconds of the stages, one after the other.
    ended : float
        Moment in which the document was written, in seconds since 1970.

    Returns
    -------
    study, race : tuple of (start, end)
        In milliseconds since 1970; equal where a renewal had no race.

    Examples
    --------
    >>> seconds = {"ingest": 1, "validate": 1, "plan": 2, "race": 10, "so far": 20}
    >>> run_times(seconds, 100.0)
    ((80000, 100000), (84000, 94000))
    """
    began = ended - seconds["so far"]
    race = began + sum(seconds[stage] for stage in BEFORE_RACE) if "race" in seconds else began
    race_ended = race + seconds["race"] if "race" in seconds else ended
    return (_ms(began), _ms(ended)), (_ms(race), _ms(race_ended))


def _ms(moment: float) -> int:
    return round(1000 * moment)


def shown_arms(document: VerdictDocument) -> list[ArmOfStudy]:
    """Return the arms that have a run of their own, at most :data:`MAX_CHILDREN`, best first.

    What ships, real rows alone and the controls come first, then the best: arms are ranked, and those
    beaten in the race stand last. A renewal compares none.
    """
    arms, winner = document.arms, document.winner.name
    if document.renewal_of:
        return []
    by_need = sorted(arms, key=lambda row: (row.name != winner, row.role == "candidate"))
    needed = {row.name for row in by_need[:MAX_CHILDREN]}
    return [row for row in arms if row.name in needed]


def mix_records(document: VerdictDocument) -> list[RunRecord]:
    """Build a child run for each of :func:`shown_arms`, at its best trial."""
    metric, digest = document.metric.name, document.digests["snapshot"]
    return [
        RunRecord(
            name=row.name,
            tags={
                "kind": "mix",
                "study": document.study,
                "dataset_digest": digest,
                "synthesizer": row.synthesizer or "none",
                "synthetic_ratio": f"{row.synthetic_ratio:g}",
                "weight": f"{row.weight:g}",
                "label_rule": row.label_rule,
                "balance": row.balance,
                "real_labels": row.real_labels,
                "model": row.model,
                "role": row.role,
                "why": row.why,
                "status": "complete",
            },
            params={"trial": str(row.trial)},
            metrics=_finite(
                {
                    metric: row.score,
                    f"{metric}_std": row.std,
                    f"{metric}_low": row.interval[0],
                    f"{metric}_high": row.interval[1],
                    "gain": row.gain,
                    "gain_low": row.gain_interval[0],
                    "gain_high": row.gain_interval[1],
                    "p_corrected": row.p_corrected,
                    "share_of_folds_won": row.share_of_folds_won,
                    **row.extra_metrics,
                }
            ),
        )
        for row in shown_arms(document)
    ]


def ratio_curves(document: VerdictDocument) -> list[Curve]:
    """Return the best score over models at each ratio, one curve per synthesizer and label rule.

    Arms come best first, those scored on few folds last: the first one at a ratio is its best.
    """
    metric = document.metric.name
    found: dict[str, dict[int, float]] = {}
    for row in document.arms:
        if row.synthesizer and row.score is not None:
            key = f"curve/{row.synthesizer}/{row.label_rule}/{metric}"
            step = round(100 * row.synthetic_ratio)
            found.setdefault(key, {}).setdefault(step, row.score)
    return [Curve(key, tuple(sorted(points.items()))) for key, points in sorted(found.items())]


def arms_table(document: VerdictDocument) -> dict[str, list[Any]]:
    """Return all arms as columns of one sortable table."""
    rows = [
        {key: value for key, value in row.to_dict().items() if not isinstance(value, (list, dict))}
        for row in document.arms
    ]
    return {key: [row[key] for row in rows] for key in (rows[0] if rows else {})}


def note(document: VerdictDocument) -> str:
    """Return the verdict in Markdown, as the note of the run."""
    lines = [f"**{document.word}**", "", document.sentence, ""]
    return "\n".join([*lines, *(f"- {line}" for line in summary_lines(document))])


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Leave out unknown values: MLflow would turn infinity into a huge number."""
    items: Iterable[tuple[str, Any]] = values.items()
    return {key: float(v) for key, v in items if v is not None and math.isfinite(v)}


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
    return _finite(
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

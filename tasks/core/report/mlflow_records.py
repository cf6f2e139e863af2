"""MLflow runs of a verdict document, as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from realmix.tasks.core.fairness.assessment import Fairness
from realmix.tasks.core.mixes.in_words import mix_in_words
from realmix.tasks.core.privacy.study_privacy import StudyPrivacy
from realmix.tasks.core.report.ratio_arms import ratio_arms
from realmix.tasks.core.report.story import best_mix_arm, holdout_in_words, row_in_words, tell, warning
from realmix.tasks.core.report.summary import summary_lines
from realmix.tasks.core.report.verdict_document import ArmOfStudy, VerdictDocument
from realmix.tasks.core.report.verdict_evidence import Generalisation, RowsSaved
from realmix.tasks.core.words import first_sentence, score_in_words

# MLflow silently truncates tags at 8,000 and parameters at 6,000 characters.
MAX_NOTE = 7_900
MAX_PARAM = 5_900
# What a person looks at; the artifact arms.json and the report hold every arm.
MAX_CHILDREN = 20
# Stages of a study before its race, in which every arm of the table is trained.
BEFORE_RACE = ("ingest", "validate", "plan")
# First in the table of arms, behind the words for their training rows.
ARM_COLUMNS = ("model", "score", "gain", "why")
RECIPE = ("synthesizer", "synthetic_ratio", "weight", "label_rule", "balance", "real_labels")


@dataclass(frozen=True)
class RunRecord:
    """One MLflow run: tags and parameters to filter by, metrics, and points of a curve by step."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    points: tuple[tuple[str, float, int], ...] = field(default=())


def study_record(document: VerdictDocument, began: datetime) -> RunRecord:
    """Build the parent run of a study; its name, short enough for MLflow's column, carries the answer."""
    table, plan = document.table, document.plan
    params = {
        "task": table.task,
        "target": table.target,
        "n_rows": table.n_rows,
        "metric": document.metric.name,
        "seed": document.seeds["study"],
        **{key: plan[key] for key in ("n_folds", "n_repeats", "n_trials", "n_development")},
        **recipe_params(document.winner.recipe, document.winner.model),
        **document.winner.params,
    }
    if document.winner.threshold is not None:
        params["threshold"] = document.winner.threshold
    tags = {
        "kind": "study",
        "study": document.study,
        "verdict": document.word,
        "why": first_sentence(document.reason),
        "winner": document.winner.name,
        "dataset_digest": document.digests["snapshot"],
        "status": "complete" if document.complete else "incomplete",
        "mlflow.note.content": note(document),
    }
    if document.validation.mix:
        tags["best_mix"] = document.validation.mix.name
    name = f"{document.word} · {began.day} {began:%b %H:%M} · seed {document.seeds['study']}"
    return RunRecord(name, tags, _texts(params), finite(study_metrics(document)))


def study_metrics(document: VerdictDocument) -> dict[str, float | None]:
    """Return the numbers of a study: gains, scores, slices, gaps between groups, rows saved, privacy."""
    validation, holdout, metric = document.validation, document.holdout, document.metric.name
    metrics = {
        **best_mix_metrics(document),
        "promised_gain": shown(validation.promised_gain),
        "smallest_provable_gain": shown(validation.smallest_provable_gain),
        f"{metric}_real_only": validation.real_only.score,
        f"{metric}_best_mix": validation.mix.score if validation.mix else None,
    }
    if holdout:
        metrics["realised_gain"] = shown(holdout.gain)
        metrics[f"{metric}_holdout"] = (holdout.mix or holdout.real_only).score
    return (
        metrics
        | generalisation_metrics(document.generalisation)
        | fairness_metrics(document.fairness)
        | rows_saved_metrics(document.rows_saved)
        | privacy_metrics(document.privacy)
    )


def best_mix_metrics(document: VerdictDocument) -> dict[str, float | None]:
    """Return the measured gain of the best mix with its interval: of what was judged, which need not ship."""
    row = best_mix_arm(document)
    return {} if row is None else _gain_metrics("best_mix_gain", row)


def _gain_metrics(name: str, row: ArmOfStudy) -> dict[str, float | None]:
    low, high = row.gain_interval
    return {name: shown(row.gain), f"{name}_low": shown(low), f"{name}_high": shown(high)}


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


def rows_saved_metrics(saved: RowsSaved | None) -> dict[str, float | None]:
    """Return the rows saved by the best mix; bounds where the curve ends."""
    if saved is None:
        return {}
    return {"rows_saved": saved.rows_saved, "rows_saved_multiplier": saved.multiplier}


def privacy_metrics(privacy: StudyPrivacy | None) -> dict[str, float | None]:
    """Return what attacks recognize by the rows of the best mix's synthesizer, and whether that is a leak."""
    if privacy is None or not privacy.pools:
        return {}
    found = privacy.pools[0].assessment
    return {"privacy_tpr": found.measured.tpr, "privacy_leak": float(found.is_leaking)}


def recipe_params(recipe: Any, model: str) -> dict[str, Any]:
    """Return what an arm is made of."""
    return {"model": model, **{name: getattr(recipe, name) for name in RECIPE}}


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

    What ships, the incumbent, the judged mix and the finalists come first; then those of the curves; then the best arm
    of each synthesizer, of each control and of each learner on real rows; then the best of the others. A renewal compares
    none.
    """
    if document.renewal_of:
        return []
    validation = document.validation
    named = {document.winner.name, document.real_only.name, *validation.finalists}
    named |= {validation.mix.name} if validation.mix else set()
    kinds: dict[Any, str] = {}
    for row in document.arms:
        kinds.setdefault(
            row.synthesizer or row.mix if row.role != "real_only" else ("real", row.model), row.name
        )
    best, curved = set(kinds.values()), curve_points(document)
    by_need = sorted(
        document.arms, key=lambda row: (row.name not in named, row.name not in curved, row.name not in best)
    )
    needed = {row.name for row in by_need[:MAX_CHILDREN]}
    return [row for row in document.arms if row.name in needed]


def mix_records(document: VerdictDocument) -> list[RunRecord]:
    """Build a child run for each of :func:`shown_arms`, at its best trial: what ships, real only, the best mix, the rest."""
    curves, mix = curve_points(document), document.validation.mix
    first = [document.winner.name, document.real_only.name, mix.name if mix else ""]
    rows = sorted(
        shown_arms(document), key=lambda row: first.index(row.name) if row.name in first else len(first)
    )
    return [_mix_record(document, row, curves.get(row.name, ())) for row in rows]


def _mix_record(
    document: VerdictDocument, row: ArmOfStudy, points: tuple[tuple[str, float, int], ...]
) -> RunRecord:
    metric = document.metric.name
    known = {arm.name: arm.params for arm in (document.real_only, document.winner)}
    params = recipe_params(row, row.model) | {"trial": row.trial} | known.get(row.name, {})
    scores = {
        metric: row.score,
        f"{metric}_std": row.std,
        **_gain_metrics("gain", row),
        "p_corrected": row.p_corrected,
        "share_of_folds_won": row.share_of_folds_won,
    }
    tags = {
        "kind": "mix",
        "study": document.study,
        "arm": row.name,
        "role": row.role,
        "why": row.why,
        "mlflow.note.content": f"{row_in_words(row)}. {row.why}.",
    }
    is_level = row.name in (document.real_only.name, ratio_arms(document).real_only)
    name = f"real only: {row.name}" if is_level else row.name
    return RunRecord(name, tags, _texts(params), finite(scores | row.extra_metrics), points)


def curve_points(document: VerdictDocument) -> dict[str, tuple[tuple[str, float, int], ...]]:
    """Return the score against the amount of synthetic rows, as points of runs.

    One metric for all: MLflow draws it as one chart with a line per run, above all others. The run of each synthesizer's best arm has
    its curve, that of the same learner on real rows a level line. The step is the number of synthetic rows per hundred real ones. Arms come
    best first: the first one at an amount is its best.

    Returns
    -------
    dict of arm name to points
        Each with key, value and step.
    """
    key = curve_key(document)
    best: dict[str, str] = {}
    curves: dict[str, dict[int, float]] = {}
    drawn = ratio_arms(document)
    for row in drawn.arms:
        assert row.synthesizer is not None and row.score is not None
        name = best.setdefault(row.synthesizer, row.name)
        curves.setdefault(name, {}).setdefault(round(100 * row.synthetic_ratio), row.score)
    steps = sorted({step for curve in curves.values() for step in curve})
    if drawn.score is not None and steps:
        curves[drawn.real_only] = dict.fromkeys((0, *steps), drawn.score)
    return {
        name: tuple((key, value, step) for step, value in sorted(c.items())) for name, c in curves.items()
    }


def curve_key(document: VerdictDocument) -> str:
    """Return the name of the metric of :func:`curve_points`."""
    return f"curve/{document.metric.name}"


def arms_table(document: VerdictDocument) -> dict[str, list[Any]]:
    """Return all arms as columns of one sortable table, what a reviewer looks for first."""
    rows = [
        {"training_rows": mix_in_words(row), **{key: getattr(row, key) for key in ARM_COLUMNS}}
        | {key: value for key, value in row.to_dict().items() if not isinstance(value, (list, dict))}
        for row in document.arms
    ]
    return {key: [row[key] for row in rows] for key in (rows[0] if rows else {})}


def note(document: VerdictDocument, curves: str | None = None) -> str:
    """Return the story of the study in Markdown, as the note of its run; `curves` is the address of their chart.

    MLflow folds a note after four lines: what a reviewer needs stands first, without a heading.
    """
    story, warns = tell(document), warning(document)
    first = (f"**{story.answer}.**", warns, f"**Why.** {first_sentence(story.why)}")
    chart = f"[Chart of scores]({curves}) (step: synthetic rows per 100 real ones). " if curves else ""
    told = [
        " ".join(filter(None, first)),
        f"{chart}The whole report is `report.html` among the artifacts; every arm stands in `arms.json`.",
        story.meaning.removesuffix(warns).rstrip(),
        f"**Next step.** {story.next_step}",
        f"**How sure.** {story.sure}",
        "\n".join(f"- {line}" for line in summary_lines(document)),
    ]
    return "\n\n".join(told)[:MAX_NOTE]


def version_description(document: VerdictDocument, columns: Mapping[str, str]) -> str:
    """Return what a reviewer has to know of a model version; plain text, as MLflow's list of versions shows Markdown raw.

    Parameters
    ----------
    document : VerdictDocument
    columns : mapping of feature to kind
        That the model takes.
    """
    story, metric = tell(document), document.metric
    scored = document.validation.mix if document.winner.recipe.synthesizer else document.validation.real_only
    lines = [
        f"{story.answer}. {document.sentence}",
        f"Why: {document.reason}",
        f"Scores: {metric.name} {score_in_words(scored.score if scored else None)} on validation rows ({metric.direction}). "
        f"Holdout: {holdout_in_words(document).rstrip('.')}.",
        f"Takes raw columns: {', '.join(f'{name} ({kind})' for name, kind in columns.items())}.",
        f"Returns prediction{' and a probability per class' if document.table.classes else ''}.",
    ]
    return "\n\n".join(lines)[:MAX_NOTE]


def shown(gain: float | None) -> float | None:
    """Round a gain to what fits into a column of MLflow; verdict.json holds all digits."""
    return None if gain is None else round(gain, 4)


def _texts(params: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value)[:MAX_PARAM] for key, value in params.items() if value is not None}


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Leave out unknown values: MLflow would turn infinity into a huge number."""
    items: Iterable[tuple[str, Any]] = values.items()
    return {key: float(v) for key, v in items if v is not None and math.isfinite(v)}

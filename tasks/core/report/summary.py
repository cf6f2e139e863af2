"""Verdict document in a few lines, for the terminal and the note of a run."""

from __future__ import annotations

from realmix.tasks.core.decision.verdict import NOT_DECIDED
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.verdict_document import MetricOfStudy, Scored, VerdictDocument
from realmix.tasks.core.report.verdict_evidence import VerdictOnLearner
from realmix.tasks.core.words import gain_in_words, interval_in_words, mixes_in_words


def summary_lines(document: VerdictDocument) -> list[str]:
    """Summarise the document in a few lines."""
    metric, validation = document.metric, document.validation
    relative = metric.margin_is_relative
    lines = [
        f"{'kept' if document.word == NOT_DECIDED else 'ships'}: {document.winner.name}",
        _score_line("real only", validation.real_only, metric),
    ]
    if validation.mix:
        lines.append(_score_line("best mix", validation.mix, metric))
    if document.winner.recipe.synthesizer:
        promised = gain_in_words(validation.promised_gain, relative)
        interval = interval_in_words(validation.promised_interval, relative)
        lines.append(f"promised gain: {promised} (90 % interval {interval})")
    if len(document.learners) > 1:
        lines += [_learner_line(each, relative) for each in document.learners]
    on_holdout = document.holdout.sentence if document.holdout else f"none: {document.holdout_reason}"
    provable = gain_in_words(validation.smallest_provable_gain, relative)
    if document.winner.threshold is not None:
        lines.append(
            f"label: '{document.table.positive}' from a probability of {document.winner.threshold:.3g} on, tuned for "
            f"{metric.name} on rows that the models had not seen and served with the model"
        )
    lines += [f"holdout: {on_holdout}", f"smallest provable gain: {provable} (measured)"]
    if document.disqualified:
        name, why = next(iter(document.disqualified.items()))
        count = mixes_in_words(len(document.disqualified))
        lines.append(f"failed or refused: {count}; the first, {name}: {why}")
    if document.final_fit and document.final_fit.sentence:
        lines.append(f"final fit: {document.final_fit.sentence}")
    if document.rows_saved and document.rows_saved.sentence:
        lines.append(f"rows saved: {document.rows_saved.sentence}")
    if document.collecting:
        lines.append(f"more real rows: {advise(document).conclusion}")
    return lines


def _learner_line(each: VerdictOnLearner, relative: bool) -> str:
    line = f"{each.model}: {each.word}"
    if each.interval is not None:
        interval = interval_in_words(each.interval, relative)
        line += f", gain {gain_in_words(each.gain, relative)} (90 % interval {interval})"
    elif each.mix and (each.mix.gain or 0) > 0:
        measured, interval = (
            gain_in_words(each.mix.gain, relative),
            interval_in_words(each.mix.interval, relative),
        )
        line += f"; its best mix measured {measured} better (90 % interval {interval}), perhaps by luck"
    labels = each.credit and each.credit.labels
    if labels and (labels.gain or 0) > 0:
        line += (
            f"; the ensemble's labels on real rows bring {gain_in_words(labels.gain, relative)} beside that"
        )
    if each.distance:
        line += f"; {gain_in_words(-each.distance, relative)} worse than the best model"
    return line


def _score_line(label: str, scored: Scored, metric: MetricOfStudy) -> str:
    return f"{label}: {scored.name}, {metric.name} {scored.score:.4g} ({metric.direction})"

"""Verdict document in a few lines, for the terminal and the note of a run."""

from __future__ import annotations

from realmix.tasks.core.decision.verdict import NOT_DECIDED
from realmix.tasks.core.fairness.assessment import Repair, in_unit
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.verdict_document import (
    MetricOfStudy,
    Scored,
    SynthesizerCount,
    VerdictDocument,
)
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
    lines += [*_rule_lines(document), *_fairness_lines(document)]
    if document.final_fit and document.final_fit.sentence:
        lines.append(f"final fit: {document.final_fit.sentence}")
    if document.rows_saved and document.rows_saved.sentence:
        lines.append(f"rows saved: {document.rows_saved.sentence}")
    if document.collecting:
        lines.append(f"more real rows: {advise(document).conclusion}")
    return lines + _privacy_lines(document)


def _privacy_lines(document: VerdictDocument) -> list[str]:
    """Describe the pool of the best mix, or say why none was attacked, and what the training table exposes."""
    if document.privacy is None:
        return []
    lines = [f"privacy: {document.privacy.training_table}"]
    if document.privacy.differential_privacy:
        lines.append(f"differential privacy: {document.privacy.differential_privacy}")
    if document.privacy.reason:
        lines.append(f"privacy of synthetic rows: not measured, because {document.privacy.reason}")
    for pool in document.privacy.pools[:1]:
        lines.append(f"privacy of {pool.synthesizer}: {pool.sharing} {pool.assessment.sentence}")
    return lines


def _rule_lines(document: VerdictDocument) -> list[str]:
    ruled = [rules_in_words(each) for each in document.synthesizers if each.repaired or each.dropped]
    return [f"rules: {'; '.join(ruled)}"] if ruled else []


def _fairness_lines(document: VerdictDocument) -> list[str]:
    if document.fairness is None:
        return []
    repairs = [_repair_line(repair, document) for repair in document.fairness.repairs]
    return [f"fairness: {document.fairness.sentence}", *repairs]


def rules_in_words(counted: SynthesizerCount) -> str:
    """Say how many drawn rows the card's rules repaired, and how many were drawn again."""
    return (
        f"of the rows that {counted.name} drew, {counted.repaired:,} got a value from a rule and {counted.dropped:,} "
        "broke one and were drawn again"
    )


def _repair_line(repair: Repair, document: VerdictDocument) -> str:
    """Say what a repair of unequal groups brings, in the rate whose gap it changes most, and what it costs."""
    assert document.fairness is not None
    unit, relative = document.fairness.unit, document.metric.margin_is_relative
    gain = f"{gain_in_words(repair.gain, relative)} (90 % interval {interval_in_words(repair.interval, relative)})"
    changes = {rate: gaps for rate, gaps in repair.gaps.items() if None not in gaps}
    if not changes:
        return f"repair {repair.name}: no gap by {repair.column} could be judged; gain in {document.metric.name} {gain}"
    rate = max(changes, key=lambda name: abs((changes[name][1] or 0) - (changes[name][0] or 0)))
    before, after = (in_unit(gap, unit) for gap in changes[rate])
    return (
        f"repair {repair.name}: the largest gap in {rate} by {repair.column} goes from {before} to {after}; gain in "
        f"{document.metric.name} {gain}"
    )


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

"""Verdict document in a few lines, for the terminal and the note of a run."""

from __future__ import annotations

from collections.abc import Iterator

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.fairness.assessment import Repair, in_unit
from realmix.tasks.core.mixes.in_words import learner_in_words, synthesizer_in_words
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.story import (
    best_mix_gain,
    better_learner,
    holdout_in_words,
    promise_in_words,
    ruled_synthesizers,
    rules_in_words,
    same_learner_gain,
    score_line,
    shipped_in_words,
    ships_mix,
    what_was_tried,
)
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import VerdictOnLearner
from realmix.tasks.core.words import gain_and_interval, gain_in_words, mixes_in_words


def summary_lines(document: VerdictDocument) -> list[str]:
    """Summarise the document in a few lines, each a name, a colon and a sentence."""
    return [*_compared(document), *_learners(document), *_checked(document), *_further(document)]


def reason_lines(document: VerdictDocument) -> list[str]:
    """Summarise the document without a line for each learner, where these have a table of their own."""
    return [*_compared(document), *_checked(document), *_further(document)]


def _compared(document: VerdictDocument) -> Iterator[str]:
    yield f"why: {document.reason}"
    yield f"{'kept' if document.word == NOT_DECIDED else 'ships'}: {shipped_in_words(document.winner)}"
    yield f"real only: {score_line(document, 'real_only')}"
    if document.validation.mix:
        measured, own = best_mix_gain(document), same_learner_gain(document)
        gain = f"; measured gain {measured}, which luck flatters: the best of many" if measured else ""
        gain += f"; {own}" if own else ""
        yield f"best mix: {score_line(document, 'mix')}{gain}"
    if ships_mix(document):
        yield f"promised gain: {promise_in_words(document)}"
    if better := better_learner(document):
        yield f"other models: {better}"
    yield what_was_tried(document).replace("Tried", "tried", 1)


def _learners(document: VerdictDocument) -> list[str]:
    if len(document.learners) < 2:
        return []
    return [learner_line(each, document.metric.margin_is_relative) for each in document.learners]


def _checked(document: VerdictDocument) -> Iterator[str]:
    winner, validation = document.winner, document.validation
    if winner.threshold is not None:
        yield (
            f"label: '{document.table.positive}' from a probability of {winner.threshold:.3g} on, tuned for "
            f"{document.metric.name} on rows that the models had not seen and served with the model"
        )
    yield f"holdout: {holdout_in_words(document)}"
    provable = gain_in_words(validation.smallest_provable_gain, document.metric.margin_is_relative)
    yield f"smallest provable gain: {provable} (measured)"


def _further(document: VerdictDocument) -> Iterator[str]:
    if document.disqualified:
        name, why = next(iter(document.disqualified.items()))
        count = mixes_in_words(len(document.disqualified))
        yield f"failed or refused: {count}; the first, {name}: {why}"
    ruled = [rules_in_words(each) for each in ruled_synthesizers(document)]
    if ruled:
        yield f"rules: {'; '.join(ruled)}"
    yield from _fairness(document)
    if document.final_fit and document.final_fit.sentence:
        yield f"final fit: {document.final_fit.sentence}"
    if document.rows_saved and document.rows_saved.sentence:
        yield f"rows saved: {document.rows_saved.sentence}"
    if document.collecting:
        yield f"more real rows: {advise(document).conclusion}"
    yield from _privacy(document)


def _privacy(document: VerdictDocument) -> Iterator[str]:
    """Describe the pool of the best mix, or say why none was attacked, and what the training table exposes."""
    found = document.privacy
    if found is None:
        return
    yield f"privacy: {found.training_table}"
    if found.differential_privacy:
        yield f"differential privacy: {found.differential_privacy}"
    if found.reason:
        yield f"privacy of synthetic rows: not measured, because {found.reason}"
    for pool in found.pools[:1]:
        yield f"privacy of {synthesizer_in_words(pool.synthesizer)} rows: {pool.sharing} {pool.assessment.sentence}"


def _fairness(document: VerdictDocument) -> Iterator[str]:
    found = document.fairness
    if found is None:
        return
    yield f"fairness: {found.sentence}"
    for repair in found.repairs:
        yield _repair_line(repair, document, found.unit)


def _repair_line(repair: Repair, document: VerdictDocument, unit: str) -> str:
    """Say what a repair of unequal groups brings, in the rate whose gap it changes most, and what it costs."""
    gain = gain_and_interval(repair.gain, repair.interval, document.metric.margin_is_relative)
    gain = f"gain in {document.metric.name} {gain}"
    changes = {rate: gaps for rate, gaps in repair.gaps.items() if None not in gaps}
    if not changes:
        return f"repair {repair.name}: no gap by {repair.column} could be judged; {gain}"
    rate = max(changes, key=lambda name: abs((changes[name][1] or 0) - (changes[name][0] or 0)))
    before, after = (in_unit(gap, unit) for gap in changes[rate])
    return f"repair {repair.name}: the largest gap in {rate} by {repair.column} goes from {before} to {after}; {gain}"


def learner_line(each: VerdictOnLearner, relative: bool) -> str:
    """Say of one learner what was decided, with its gain."""
    line = f"{learner_in_words(each.model)}: {each.word}"
    if each.interval is not None:
        line += f", gain {gain_and_interval(each.gain, each.interval, relative)}"
    elif each.mix and (each.mix.gain or 0) > 0:
        measured = gain_and_interval(each.mix.gain, each.mix.interval, relative)
        line += f"; its best mix measured better by {measured}, perhaps by luck"
    labels = each.credit and each.credit.labels
    if labels and (labels.gain or 0) > 0:
        line += (
            f"; the ensemble's labels on real rows bring {gain_in_words(labels.gain, relative)} beside that"
        )
    if each.distance:
        line += f"; {gain_in_words(-each.distance, relative)} worse than the best model"
    return line

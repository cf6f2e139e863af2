"""Verdict document in a few lines, for the terminal and the note of a run."""

from __future__ import annotations

from collections.abc import Iterator

from realmix.tasks.core.decision.verdict import NOT_DECIDED
from realmix.tasks.core.mixes.in_words import learner_in_words
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.story import (
    best_mix_gain,
    holdout_in_words,
    promise_in_words,
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


def _compared(document: VerdictDocument) -> Iterator[str]:
    yield f"why: {document.reason}"
    yield f"{'kept' if document.word == NOT_DECIDED else 'ships'}: {shipped_in_words(document.winner)}"
    yield f"real only: {score_line(document, 'real_only')}"
    if document.validation.mix:
        measured = best_mix_gain(document)
        gain = f"; measured gain {measured}, flattered by luck" if measured else ""
        yield f"best mix: {score_line(document, 'mix')}{gain}"
    if ships_mix(document):
        yield f"promised gain: {promise_in_words(document)}"
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
    if document.final_fit and document.final_fit.sentence:
        yield f"final fit: {document.final_fit.sentence}"
    if document.rows_saved and document.rows_saved.sentence:
        yield f"rows saved: {document.rows_saved.sentence}"
    if document.collecting:
        yield f"more real rows: {advise(document).conclusion}"


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

"""A verdict in words, as the terminal and Python show it: the same sentences, in tables or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realmix.tasks.core.mixes.in_words import learner_in_words
from realmix.tasks.core.report.summary import reason_lines
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import VerdictOnLearner
from realmix.tasks.core.words import gain_in_words, interval_in_words, score_in_words, width_of

Named = tuple[str, str]


@dataclass(frozen=True)
class VerdictWords:
    """What is said of a finished study.

    Attributes
    ----------
    word, sentence : str
        The verdict, and what it means for these rows.
    reasons : tuple of (name, text)
        Why, what ships, the scores and what is promised.
    head : tuple of str
        Of the columns of `learners`, in up to two lines.
    learners : tuple of tuple of str
        A row for each learner, compared with itself on real rows.
    files : tuple of (name, text)
        Where the results are.
    """

    word: str
    sentence: str
    reasons: tuple[Named, ...]
    head: tuple[str, ...]
    learners: tuple[tuple[str, ...], ...]
    files: tuple[Named, ...]


def verdict_words(document: VerdictDocument, folder: Path) -> VerdictWords:
    """Put a verdict document into words.

    Parameters
    ----------
    document : VerdictDocument
        With its `tracking`, where MLflow's place is to be named.
    folder : Path
        Of the results.
    """
    metric, relative = document.metric, document.metric.margin_is_relative
    split = [line.partition(": ") for line in reason_lines(document)]
    return VerdictWords(
        word=document.word,
        sentence=document.sentence,
        reasons=tuple((name, text) for name, _, text in split),
        head=(
            "learner",
            "verdict",
            f"{metric.name}\nreal only",
            f"{metric.name}\nbest mix",
            "gain\n(90 % interval)",
            "against\nbest model",
        ),
        learners=tuple(_learner_row(each, relative) for each in document.learners),
        files=_files(document, folder),
    )


def gain_cell(gain: float | None, interval: Sequence[float | None] | None, relative: bool) -> str:
    """Format a gain and its interval for a table whose head says what the interval is.

    Examples
    --------
    >>> gain_cell(0.0123, (0.004, 0.021), relative=True)
    '1.2 % (0.4 % to 2.1 %)'
    """
    return f"{gain_in_words(gain, relative, width_of(interval))} ({interval_in_words(interval, relative)})"


def _learner_row(each: VerdictOnLearner, relative: bool) -> tuple[str, ...]:
    return (
        learner_in_words(each.model),
        each.word,
        score_in_words(each.real_only.score),
        score_in_words(each.mix.score) if each.mix else "none tried",
        _gain(each, relative),
        gain_in_words(each.distance, relative) if each.distance else "best",
    )


def _gain(each: VerdictOnLearner, relative: bool) -> str:
    if each.interval is not None:
        return gain_cell(each.gain, each.interval, relative)
    if each.mix is None:
        return "no mix compared"
    doubt = ", not proven" if (each.mix.gain or 0) > 0 else ""
    return f"{gain_cell(each.mix.gain, each.mix.interval, relative)}{doubt}"


def _files(document: VerdictDocument, folder: Path) -> tuple[Named, ...]:
    files = [
        ("Report", f"{folder / 'report.html'}"),
        ("Files", f"{folder}/ (verdict.json, model/, real_only/, training.parquet, manifest.json)"),
    ]
    if document.tracking:
        found = document.tracking
        server = found.uri if found.uri.startswith("http") else "`realmix ui`, then http://127.0.0.1:5000"
        page = f": {server}/{found.page}" if found.page else ""
        files.append(("MLflow", f"experiment '{found.experiment}' in {found.uri}{page}"))
    return tuple(files)

"""A verdict in words, as the terminal and Python show it: the same sentences, in tables or without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from realmix.tasks.core.report.summary import summary_lines
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import VerdictOnLearner
from realmix.tasks.core.words import gain_in_words, interval_in_words

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
    # Learners have a table of their own.
    alone = document.model_copy(update={"learners": ()})
    split = [line.partition(": ") for line in summary_lines(alone)]
    return VerdictWords(
        word=document.word,
        sentence=document.sentence,
        reasons=(("why", document.reason), *((name, text) for name, _, text in split)),
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


def score(value: float | None) -> str:
    """Format a score.

    Examples
    --------
    >>> score(0.45528), score(None)
    ('0.4553', '-')
    """
    return "-" if value is None else f"{value:.4g}"


def _learner_row(each: VerdictOnLearner, relative: bool) -> tuple[str, ...]:
    return (
        each.model,
        each.word,
        score(each.real_only.score),
        score(each.mix.score if each.mix else None),
        _gain(each, relative),
        gain_in_words(each.distance, relative) if each.distance else "best",
    )


def _gain(each: VerdictOnLearner, relative: bool) -> str:
    if each.interval is not None:
        return f"{gain_in_words(each.gain, relative)} ({interval_in_words(each.interval, relative)})"
    if each.mix is None:
        return "no mix compared"
    measured = gain_in_words(each.mix.gain, relative)
    doubt = ", not proven" if (each.mix.gain or 0) > 0 else ""
    return f"{measured}{doubt} ({interval_in_words(each.mix.interval, relative)})"


def _files(document: VerdictDocument, folder: Path) -> tuple[Named, ...]:
    files = [
        ("Report", f"{folder / 'report.html'}"),
        ("Files", f"{folder}/ (verdict.json, model/, real_only/, training.parquet, manifest.json)"),
    ]
    if document.tracking:
        experiment, uri = document.tracking.experiment, document.tracking.uri
        files.append(("MLflow", f"experiment '{experiment}' in {uri}; `realmix ui` opens it"))
    return tuple(files)

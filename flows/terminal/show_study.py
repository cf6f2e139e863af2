"""Show the verdict of a study: a small table, and one of its learners; and two studies side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from realmix.tasks.core.report.summary import summary_lines
from realmix.tasks.core.report.verdict_document import MetricOfStudy, VerdictDocument
from realmix.tasks.core.report.verdict_evidence import VerdictOnLearner
from realmix.tasks.core.words import gain_in_words, interval_in_words

# Width of tables where no terminal says one.
PLAIN_WIDTH = 160
COLOURS = {"proven": "bold green", "expected to help": "green", "not decided": "red"}
CORE = (
    "study", "table", "word", "sentence", "reason", "winner", "real_only", "metric", "validation", "holdout",
    "holdout_reason", "gates", "learners", "complete", "missing", "seeds", "digests",
)  # fmt: skip


def console() -> Console:
    """Return standard output: lines wrap between words in a terminal, and stay whole elsewhere."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=PLAIN_WIDTH, soft_wrap=True)


def pairs(lines: Sequence[tuple[str, str]]) -> Table:
    """Return a table of two columns without lines: a name, and what is said of it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, text in lines:
        table.add_row(Text(name), Text(text))
    return table


def print_verdict(document: VerdictDocument, out: Path) -> None:
    """Print the verdict, why, the learners and the places of its files."""
    screen = console()
    relative = document.metric.margin_is_relative
    screen.print()
    screen.print(Text.assemble("Verdict: ", (document.word, COLOURS.get(document.word, "bold"))))
    screen.print(Text(document.sentence))
    screen.print()
    # Learners have a table of their own.
    alone = document.model_copy(update={"learners": ()})
    split = [line.partition(": ") for line in summary_lines(alone)]
    show_pairs(screen, [("why", document.reason), *((name, text) for name, _, text in split)])
    if document.learners:
        screen.print()
        screen.print(learner_table(document.learners, document.metric, relative))
    screen.print()
    files = [
        ("Report", f"{out / 'report.html'}"),
        ("Files", f"{out}/ (verdict.json, model/, real_only/, training.parquet, manifest.json)"),
    ]
    if document.tracking:
        tracking = document.tracking
        files += [("MLflow", f"experiment '{tracking.experiment}' in {tracking.uri}; `realmix ui` opens it")]
    show_pairs(screen, files)


def show_pairs(screen: Console, lines: Sequence[tuple[str, str]]) -> None:
    """Print names and texts: a table in a terminal, a line each elsewhere."""
    if screen.is_terminal:
        screen.print(pairs(lines))
        return
    for name, text in lines:
        screen.print(Text(f"{name}: {text}"))


def learner_table(learners: Sequence[VerdictOnLearner], metric: MetricOfStudy, relative: bool) -> Table:
    """Return a table with one row for each learner, each compared with itself on real rows."""
    table = new_table()
    table.add_column("learner", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column(f"{metric.name}\nreal only", justify="right", no_wrap=True)
    table.add_column(f"{metric.name}\nbest mix", justify="right", no_wrap=True)
    table.add_column("gain\n(90 % interval)")
    table.add_column("against\nbest model", justify="right", no_wrap=True)
    for each in learners:
        table.add_row(
            each.model,
            Text(each.word, style=COLOURS.get(each.word, "")),
            score(each.real_only.score),
            score(each.mix.score if each.mix else None),
            _gain(each, relative),
            gain_in_words(each.distance, relative) if each.distance else "best",
        )
    return table


def new_table() -> Table:
    """Return an empty table with a line below its head."""
    from rich.box import SIMPLE_HEAD

    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")


def score(value: float | None) -> str:
    """Format a score."""
    return "-" if value is None else f"{value:.4g}"


def _gain(each: VerdictOnLearner, relative: bool) -> str:
    if each.interval is not None:
        return f"{gain_in_words(each.gain, relative)} ({interval_in_words(each.interval, relative)})"
    if each.mix is None:
        return "no mix compared"
    measured = gain_in_words(each.mix.gain, relative)
    doubt = ", not proven" if (each.mix.gain or 0) > 0 else ""
    return f"{measured}{doubt} ({interval_in_words(each.mix.interval, relative)})"


def print_core(document: VerdictDocument, out: Path | None = None) -> None:
    """Print the core of verdict.json as JSON: the decision and its evidence, without the list of all mixes."""
    whole = document.to_dict()
    print(json.dumps({name: whole[name] for name in CORE if name in whole}, indent=1, ensure_ascii=False))


Row = Callable[[VerdictDocument], str]


def _validation_gain(document: VerdictDocument) -> str:
    if not document.winner.recipe.synthesizer:
        return "-"
    relative, found = document.metric.margin_is_relative, document.validation
    interval = interval_in_words(found.promised_interval, relative)
    return f"{gain_in_words(found.promised_gain, relative)} ({interval})"


def _holdout_gain(document: VerdictDocument) -> str:
    if document.holdout is None or document.holdout.gain is None:
        return "-"
    relative = document.metric.margin_is_relative
    interval = interval_in_words(document.holdout.interval, relative)
    return f"{gain_in_words(document.holdout.gain, relative)} ({interval})"


COMPARED: dict[str, Row] = {
    "table": lambda d: d.table.name,
    "target": lambda d: d.table.target,
    "rows": lambda d: f"{d.table.n_rows:,}",
    "metric": lambda d: f"{d.metric.name}, {d.metric.direction}",
    "verdict": lambda d: d.word,
    "ships": lambda d: f"{d.winner.model} on {d.winner.in_words} ({d.winner.name})",
    "score of real only": lambda d: score(d.validation.real_only.score),
    "score of the best mix": lambda d: score(d.validation.mix.score if d.validation.mix else None),
    "promised gain (90 % interval)": _validation_gain,
    "gain on the holdout (90 % interval)": _holdout_gain,
    "smallest provable gain": lambda d: gain_in_words(
        d.validation.smallest_provable_gain, d.metric.margin_is_relative
    ),
    "models": lambda d: ", ".join(d.plan["models"]),
    "synthesizers": lambda d: ", ".join(d.plan["synthesizers"]),
    "seed": lambda d: str(d.plan["seed"]),
}


def compare_studies(names: tuple[str, str], documents: tuple[VerdictDocument, VerdictDocument]) -> None:
    """Print two studies side by side, and whether their scores may be compared."""
    screen, table = console(), new_table()
    for heading in ("", *names):
        table.add_column(heading, overflow="fold" if heading else "ellipsis")
    first, second = documents
    for name, cell in COMPARED.items():
        cells = cell(first), cell(second)
        table.add_row(name, *(Text(text, style="bold" if cells[0] != cells[1] else "") for text in cells))
    screen.print(table)
    screen.print(Text(f"{_comparable(first, second)} What differs is bold."))


def _comparable(first: VerdictDocument, second: VerdictDocument) -> str:
    if first.metric.name != second.metric.name:
        return "Scores cannot be compared: the metrics differ."
    if first.digests.get("snapshot") != second.digests.get("snapshot"):
        return "Scores cannot be compared directly: the rows differ. Gains can, each is over real only of its own rows."
    return "Scores can be compared: the rows and the metric are the same."

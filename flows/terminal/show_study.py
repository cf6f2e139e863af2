"""Show the verdict of a study: a small table, and one of its learners; and two studies side by side."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from realmix.flows.terminal.screen import console, plain, plain_console
from realmix.tasks.core.errors import printable
from realmix.tasks.core.report.story import shipped_in_words
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_words import VerdictWords, gain_cell, verdict_words
from realmix.tasks.core.words import gain_in_words, score_in_words

COLOURS = {"proven": "bold green", "expected to help": "green", "not decided": "red"}
CORE = (
    "study", "table", "word", "sentence", "reason", "winner", "real_only", "metric", "validation", "holdout",
    "holdout_reason", "gates", "learners", "complete", "missing", "seeds", "digests",
)  # fmt: skip


def print_verdict(document: VerdictDocument, out: Path) -> None:
    """Print the verdict, why, the learners and the places of its files."""
    screen = console()
    screen.print()
    draw_verdict(screen, verdict_words(document, out))


def verdict_text(document: VerdictDocument, folder: Path) -> str:
    """Return the verdict as it is printed where there is no terminal."""
    text = io.StringIO()
    draw_verdict(plain_console(text), verdict_words(document, folder))
    return text.getvalue().rstrip("\n")


def draw_verdict(screen: Console, said: VerdictWords) -> None:
    """Draw what is said of a study."""
    screen.print(Text.assemble("Verdict: ", (said.word, COLOURS.get(said.word, "bold"))))
    screen.print(plain(said.sentence))
    screen.print()
    show_pairs(screen, said.reasons)
    if said.learners:
        screen.print()
        screen.print(learner_table(said))
    screen.print()
    show_pairs(screen, said.files)


def show_pairs(screen: Console, lines: Sequence[tuple[str, str]]) -> None:
    """Print names and texts: a table in a terminal, a line each elsewhere."""
    if not screen.is_terminal:
        for name, text in lines:
            screen.print(plain(f"{name}: {text}"))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, text in lines:
        table.add_row(plain(name), plain(text))
    screen.print(table)


def learner_table(said: VerdictWords) -> Table:
    """Return a table with one row for each learner, each compared with itself on real rows."""
    table = new_table()
    for place, heading in enumerate(said.head):
        wraps = heading.startswith("gain")
        table.add_column(
            heading,
            justify="right" if place > 1 and not wraps else "left",
            no_wrap=not wraps,
        )
    for row in said.learners:
        table.add_row(*(plain(cell, COLOURS.get(cell, "")) for cell in row))
    return table


def new_table() -> Table:
    """Return an empty table with a line below its head."""
    from rich.box import SIMPLE_HEAD

    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")


def print_core(document: VerdictDocument, out: Path | None = None) -> None:
    """Print the core of verdict.json as JSON: the decision and its evidence, without the list of all mixes."""
    whole = document.to_dict()
    print(json.dumps({name: whole[name] for name in CORE if name in whole}, indent=1, ensure_ascii=False))


Row = Callable[[VerdictDocument], str]


def _validation_gain(document: VerdictDocument) -> str:
    if not document.winner.recipe.synthesizer:
        return "-"
    found = document.validation
    return gain_cell(found.promised_gain, found.promised_interval, document.metric.margin_is_relative)


def _holdout_gain(document: VerdictDocument) -> str:
    if document.holdout is None or document.holdout.gain is None:
        return "-"
    return gain_cell(document.holdout.gain, document.holdout.interval, document.metric.margin_is_relative)


COMPARED: dict[str, Row] = {
    "table": lambda d: d.table.name,
    "target": lambda d: d.table.target,
    "rows": lambda d: f"{d.table.n_rows:,}",
    "metric": lambda d: f"{d.metric.name}, {d.metric.direction}",
    "verdict": lambda d: d.word,
    "ships": lambda d: shipped_in_words(d.winner),
    "score of real only": lambda d: score_in_words(d.validation.real_only.score),
    "score of the best mix": lambda d: (
        score_in_words(d.validation.mix.score) if d.validation.mix else "none tried"
    ),
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
        # A name is broken before its date.
        table.add_column(Text(re.sub(r"-(?=\d{8}-\d{6}$)", "-\n", printable(heading))), overflow="fold")
    first, second = documents
    for name, cell in COMPARED.items():
        cells = cell(first), cell(second)
        mark, style = ("*", "bold") if cells[0] != cells[1] else (" ", "")
        table.add_row(f"{mark} {name}", *(plain(text, style) for text in cells))
    screen.print(table)
    screen.print(Text(f"{_comparable(first, second)} What differs is marked with *."))


def _comparable(first: VerdictDocument, second: VerdictDocument) -> str:
    if first.metric.name != second.metric.name:
        return "Scores cannot be compared: the metrics differ."
    if first.digests.get("snapshot") != second.digests.get("snapshot"):
        return "Scores cannot be compared directly: the rows differ. Gains can, each is over real only of its own rows."
    return "Scores can be compared: the rows and the metric are the same."

"""What a notebook shows of a study: HTML that needs no file beside it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from realmix.tasks.core.report.verdict_words import VerdictWords

COLOURS = {"proven": "#1a7f37", "expected to help": "#1a7f37", "not decided": "#b42318"}
LEFT = ' style="text-align: left"'


def study_page(said: VerdictWords, report: str) -> str:
    """Show what is said of a study.

    Parameters
    ----------
    said : VerdictWords
    report : str
        Address of its report.
    """
    colour = COLOURS.get(said.word, "inherit")
    return "".join(
        (
            f'<h3 style="color: {colour}">{escape(said.word)}</h3>',
            f"<p>{escape(said.sentence)}</p>",
            _table((), said.reasons),
            _table(said.head, said.learners) if said.learners else "",
            _table((), said.files),
            f'<p><a href="{escape(report)}">Open the report</a></p>',
        )
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table; without a head, the first cell of a row is its name."""
    titles = "".join(f"<th{LEFT}>{escape(each)}</th>" for each in head).replace("\n", "<br>")
    body = "".join(
        f"<tr>{''.join(_cell(cell, not head and not place) for place, cell in enumerate(row))}</tr>"
        for row in rows
    )
    return f"<table>{f'<thead><tr>{titles}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cell(text: str, is_name: bool) -> str:
    name = "th" if is_name else "td"
    return f"<{name}{LEFT}>{escape(text)}</{name}>"

"""HTML report: one self-contained page, the answer first, the evidence below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib.resources import files
from typing import Any

from realmix.tasks.core.report.cells import filters
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.figures.all import draw_figures
from realmix.tasks.core.report.figures.drawing import Drawn
from realmix.tasks.core.report.figures.rows import draw_columns
from realmix.tasks.core.report.glossary import METRICS, SCORES, WORDS
from realmix.tasks.core.report.ratio_arms import ratio_arms
from realmix.tasks.core.report.story import better_learner, holdout_in_words, ruled_synthesizers, tell
from realmix.tasks.core.report.verdict_document import ArmOfStudy, VerdictDocument

TEMPLATES = "templates"
# Colour of the answer, by its word.
TONES = {
    "proven": "yes",
    "expected to help": "perhaps",
    "chosen, not proven": "perhaps",
    "keep real only": "no",
    "not decided": "broken",
}
# Title of each part, by the name of its template; :func:`sections` leaves out those without numbers.
TITLES = {
    "glance": "At a glance",
    "learners": "Learners",
    "amounts": "Amounts",
    "collecting": "More real rows",
    "rows": "Synthetic rows",
    "model": "The model",
    "slices": "Slices",
    "drift": "Drift",
    "privacy": "Privacy",
    "fairness": "Fairness",
    "rules": "Rules",
    "arms": "All arms",
    "data": "Data",
    "repeat": "Repeat",
    "words": "Words",
}


def render_report(
    document: VerdictDocument,
    *,
    made_on: date,
    readable: Mapping[str, str] | None = None,
    mlflow_page: str | None = None,
) -> str:
    """Render the report as HTML.

    Parameters
    ----------
    document : VerdictDocument
    made_on : date
        Of the study.
    readable : mapping of file name to content, optional
        The shipped model, written out for people: drawings (``.svg``) and text (``.txt``) are shown.
    mlflow_page : str, optional
        Address of the table's studies in MLflow, behind that of a local server.

    Returns
    -------
    str
        HTML with inline style, script and figures; it loads nothing.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("realmix.tasks.core.report", TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters(document)
    environment.tests["contains"] = lambda values, value: value in values
    figures, columns = draw_figures(document), draw_columns(document.likeness) if document.likeness else {}
    shown, ruled = readable or {}, ruled_synthesizers(document)
    return environment.get_template("report.html.j2").render(
        doc=document,
        made_on=f"{made_on:%-d %B %Y}",
        story=tell(document),
        better=better_learner(document),
        amounts=ratio_arms(document),
        tone=TONES[document.word],
        holdout=holdout_in_words(document),
        sections={name: TITLES[name] for name in sections(document, figures)},
        figures=figures,
        columns=columns,
        arms=placed_arms(document),
        ruled=ruled,
        mlflow_page=mlflow_page,
        collect=advise(document) if document.collecting else None,
        drawings=[svg for name, svg in shown.items() if name.endswith(".svg")],
        texts=[text for name, text in shown.items() if name.endswith(".txt")],
        words=WORDS | {document.metric.name: METRICS.get(document.metric.name, document.metric.direction)},
        score_meanings=SCORES,
        style=Markup(asset("report.css")),
        script=Markup(asset("report.js")),
    )


def asset(name: str) -> str:
    """Read a file that stands beside the templates."""
    return (files("realmix.tasks.core.report") / TEMPLATES / name).read_text(encoding="utf-8")


def sections(document: VerdictDocument, figures: Mapping[str, Drawn]) -> Iterator[str]:
    """Yield the parts of the page for which the document has anything to say, in their order."""
    has: dict[str, Any] = {
        "learners": len(document.learners) > 1 or any(each.credit for each in document.learners),
        "collecting": document.rows_saved or document.collecting or document.rows_saved_reason,
        "rows": document.likeness,
        "slices": document.generalisation,
        "drift": document.drift,
        "privacy": document.privacy,
        "fairness": document.fairness,
        "rules": ruled_synthesizers(document),
    }
    yield from (name for name in TITLES if has.get(name, True))


def placed_arms(document: VerdictDocument) -> list[tuple[int, ArmOfStudy]]:
    """Return the arms with their places: what ships first, then the others, best first."""
    placed = list(enumerate(document.arms, start=1))
    return sorted(placed, key=lambda arm: arm[1].name != document.winner.name)

"""HTML report: one self-contained page, the decision first, the evidence below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realmix.tasks.core.fairness.assessment import in_unit, interval_in_unit
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.summary import rules_in_words
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.words import gain_in_words, interval_in_words

# Next step for each outcome.
ADVICE = {
    "proven": "Use the model in the folder model/. It was trained on the mix shown below.",
    "expected to help": (
        "Use the model in the folder model/: on tables like this one such a mix has mostly helped, though these rows "
        "alone do not prove it. The cautious choice is the model in real_only/."
    ),
    # Of earlier versions.
    "chosen, not proven": (
        "Use the model in the folder model/ if a likely but unproven gain is enough for you; "
        "the cautious choice is the model in real_only/."
    ),
    "not decided": (
        "Remove the cause named below and run the study again. The model in the folder model/ was trained on your "
        "real rows; nothing was compared with it."
    ),
    "keep real only": (
        "Use the model in the folder model/. It was trained on your real rows; "
        "adding synthetic rows is not a reliable gain."
    ),
}


def render_report(
    verdict_document: VerdictDocument, figures: Mapping[str, str], readable: Mapping[str, str] | None = None
) -> str:
    """Render the report as HTML.

    Parameters
    ----------
    verdict_document : VerdictDocument
    figures : mapping of caption to SVG
        From :mod:`realmix.tasks.core.report.figures`; captions are also the alternative text.
    readable : mapping of file name to content, optional
        The shipped model, written out for people: drawings (``.svg``) and text (``.txt``) are shown.

    Returns
    -------
    str
        HTML with inline style and figures; it loads no other resources.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("realmix.tasks.core.report", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    relative = verdict_document.metric.margin_is_relative
    environment.filters["gain"] = lambda gain: gain_in_words(gain, relative)
    environment.filters["gains"] = lambda interval: interval_in_words(interval, relative)
    environment.filters["number"] = format_number
    environment.filters["share"] = lambda share: f"{100 * share:.3g} %"
    # Slices may be scored by another metric than the one that decides.
    environment.filters["part_gain"] = lambda g, gain: gain_in_words(gain, g.margin_is_relative)
    environment.filters["part_interval"] = lambda g, both: interval_in_words(both, g.margin_is_relative)
    environment.filters["in_unit"] = in_unit
    environment.filters["rules_in_words"] = rules_in_words
    environment.filters["interval_in_unit"] = interval_in_unit
    shown = readable or {}
    template = environment.get_template("report.html.j2")
    return template.render(
        doc=verdict_document,
        advice=ADVICE[verdict_document.word],
        collect=advise(verdict_document) if verdict_document.collecting else None,
        ruled=[each for each in verdict_document.synthesizers if each.repaired or each.dropped],
        figures={caption: Markup(svg) for caption, svg in figures.items()},
        drawings=[Markup(svg) for name, svg in shown.items() if name.endswith(".svg")],
        texts=[text for name, text in shown.items() if name.endswith(".txt")],
    )


def format_number(value: Any) -> str:
    """Format a value for a table cell.

    Examples
    --------
    >>> format_number(0.123456), format_number(None), format_number(2000), format_number("a")
    ('0.1235', 'unknown', '2,000', 'a')
    """
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {format_number(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_number(item) for item in value) or "none"
    return str(value)

"""How values of the verdict document stand in cells of the report."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from realmix.tasks.core.fairness.assessment import in_unit, interval_in_unit
from realmix.tasks.core.mixes.in_words import learner_in_words, mix_in_words, synthesizer_in_words
from realmix.tasks.core.report.glossary import explained
from realmix.tasks.core.report.story import rules_in_words, shipped_in_words
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import Generalisation
from realmix.tasks.core.words import (
    capital,
    gain_in_words,
    interval_in_words,
    score_in_words,
    share_in_words,
    width_of,
)

Bounds = Sequence[float | None] | None


def filters(document: VerdictDocument) -> dict[str, Callable[..., Any]]:
    """Return the filters of the templates; gains are in the unit of the deciding metric."""
    relative = document.metric.margin_is_relative

    def part_gain(gain: float | None, interval: Bounds, found: Generalisation) -> str:
        # Slices may be scored by another metric than the one that decides.
        return short_gain(gain, interval, found.margin_is_relative)

    return {
        "anchor": anchor,
        "explained": lambda word: explained(word) or document.metric.direction,
        "gain": lambda gain, interval=None: short_gain(gain, interval, relative),
        "part_gain": part_gain,
        "in_unit": in_unit,
        "interval_in_unit": interval_in_unit,
        "learner": learner_in_words,
        "mix": mix_in_words,
        "number": format_number,
        "ruled": lambda counted: capital(rules_in_words(counted)),
        "score": score_in_words,
        "share": share_in_words,
        "shell": shlex.quote,
        "shipped": lambda arm: capital(shipped_in_words(arm)),
        "synthesizer": synthesizer_in_words,
    }


def short_gain(gain: float | None, interval: Bounds, relative: bool) -> str:
    """Format a gain for a cell: its interval stands behind it in brackets.

    Examples
    --------
    >>> short_gain(-0.004, (-0.01, 0.002), True)
    '−0.4 % (−1 % to 0.2 %)'
    """
    words = gain_in_words(gain, relative, width_of(interval))
    return words if interval is None else f"{words} ({interval_in_words(interval, relative)})"


def anchor(word: str) -> str:
    """Return a word as part of an address on the page.

    Examples
    --------
    >>> anchor("90 % interval")
    '90-interval'
    """
    return re.sub(r"[^a-z0-9_]+", "-", word.lower()).strip("-")


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
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {format_number(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_number(item) for item in value) or "none"
    return str(value)

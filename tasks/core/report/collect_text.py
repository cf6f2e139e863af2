"""Advice on collecting real rows in a few lines, for the terminal and the report."""

from __future__ import annotations

from dataclasses import dataclass

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import Collected, CollectedSlice, Collecting
from realmix.tasks.core.words import (
    cost_in_words,
    gain_and_interval,
    gain_in_words,
    interval_in_words,
    width_of,
)


@dataclass(frozen=True, repr=False)
class Advice:
    """What a study says about more real rows, in sentences.

    Attributes
    ----------
    about : str
        What was measured.
    ranked : tuple of str
        Rows of each slice and, if scored alike, as they come, those first of which one row brings most; empty
        without slices.
    steps : tuple of str
        Several numbers of rows as they come.
    synthetic : str
        What synthetic rows bring today.
    conclusion : str
        Whether to go on collecting.
    """

    about: str
    ranked: tuple[str, ...]
    steps: tuple[str, ...]
    synthetic: str
    conclusion: str

    @property
    def lines(self) -> list[str]:
        """All of it, line by line."""
        ranked = [f"  {place}. {line}" for place, line in enumerate(self.ranked, start=1)]
        title = ["More rows of each kind, those first of which one row brings most over all rows:"]
        return [
            self.about,
            *(title + ranked if ranked else []),
            "More rows as they come:",
            *(f"  {line}" for line in self.steps),
            self.synthetic,
            self.conclusion,
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__  # as the last line of a notebook's cell


def measured_collecting(document: VerdictDocument) -> Collecting:
    """Return what a study measured about more real rows.

    Raises
    ------
    BadInput
        If it measured no learning curve.
    """
    if document.collecting is None:
        why = (
            document.rows_saved_reason
            or "it is a study of an earlier release, or its metric has no best value"
        )
        raise BadInput(
            f"The study '{document.study}' measured no learning curve ({why}), so nothing is known about more rows. "
            "Study the table again, with a longer --budget."
        )
    return document.collecting


def advise(document: VerdictDocument) -> Advice:
    """Put what a study measured about more real rows into sentences.

    Raises
    ------
    BadInput
        If it measured no learning curve.
    """
    found, relative = measured_collecting(document), document.metric.margin_is_relative
    steps = tuple(_step_line(step, found, relative) for step in found.steps)
    return Advice(
        about=(
            f"{document.table.name}: {found.arm}, measured on up to {found.measured_to:,} training rows; the study had "
            f"{found.n_rows:,} rows. Intervals hold 80 %; a guess lies more than 4 times beyond what was measured."
        ),
        ranked=_ranked(found, relative) if found.slices else (),
        steps=steps,
        synthetic=_synthetic_line(document),
        conclusion=_conclusion(found, relative),
    )


def _ranked(found: Collecting, relative: bool) -> tuple[str, ...]:
    """Describe the next step of each slice and, if scored alike, of all rows, by what a row brings over all rows."""
    step = _next_step(found)
    options = [(each.overall_gain / each.n_more, _slice_line(each, found)) for each in found.slices]
    if all(each.metric == found.metric for each in found.slices):
        options.append((step.gain / step.n_more, _step_line(step, found, relative)))
    return tuple(line for _, line in sorted(options, key=lambda option: -option[0]))


def _next_step(found: Collecting) -> Collected:
    """Return the step to advise about: the largest round one, before the one that doubles the table."""
    return found.steps[-2]


def _step_line(step: Collected, found: Collecting, relative: bool) -> str:
    return f"{step.n_more:,} as they come: {_gain(step, relative)}{_cost(step, found)}"


def _slice_line(part: CollectedSlice, found: Collecting) -> str:
    relative = part.margin_is_relative
    overall = gain_in_words(part.overall_gain, relative)
    return (
        f"{part.n_more:,} of '{part.name}': {_gain(part, relative)} in {part.metric} there, {overall} over all rows"
        f"{_cost(part, found)}"
    )


def _synthetic_line(document: VerdictDocument) -> str:
    """Describe what synthetic rows bring today, without a row to collect."""
    relative, validation = document.metric.margin_is_relative, document.validation
    if document.winner.recipe.synthesizer is None:
        return "Synthetic rows: no gain to rely on today."
    promised = gain_and_interval(validation.promised_gain, validation.promised_interval, relative)
    return f"Synthetic rows: gain {promised} today, for nothing."


def _conclusion(found: Collecting, relative: bool) -> str:
    step, bound = _next_step(found), gain_in_words(found.worthwhile, relative)
    is_below = step.chance_below >= 0.5
    chance = f"{100 * (step.chance_below if is_below else 1 - step.chance_below):.0f} % chance that"
    bring = f"{step.n_more:,} more rows bring {f'less than {bound}' if is_below else f'{bound} or more'}"
    advice = "Stop here" if is_below else "Go on collecting"
    return f"{'As a guess, ' + advice.lower() if step.is_guess else advice}: {chance} {bring}; {_gain(step, relative)}."


def _gain(step: Collected, relative: bool) -> str:
    """Describe a gain with its interval, and that it is a guess."""
    gain = gain_in_words(step.gain, relative, width_of(step.interval))
    interval = interval_in_words(step.interval, relative)
    return f"gain {gain} ({interval}{'; a guess' if step.is_guess else ''})"


def _cost(step: Collected, found: Collecting) -> str:
    cost = cost_in_words(step.money, step.days, found.currency)
    return cost and f", for {cost}"

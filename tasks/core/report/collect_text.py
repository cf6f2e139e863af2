"""Advice on collecting real rows in a few lines, for the terminal and the report."""

from __future__ import annotations

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import Collected, CollectedSlice, Collecting
from realmix.tasks.core.words import cost_in_words, gain_in_words, interval_in_words


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


def collect_lines(document: VerdictDocument) -> list[str]:
    """Describe what more rows would bring, line by line: the rows that pay best first.

    Raises
    ------
    BadInput
        If the study measured no learning curve.
    """
    found = measured_collecting(document)
    ranked = [f"  {place}. {line}" for place, line in enumerate(ranked_lines(document, found), start=1)]
    others = [f"  {line}" for line in step_lines(document, found)]
    return [
        f"{document.table.name}: {found.arm}, measured on up to {found.measured_to:,} training rows; the table holds "
        f"{found.n_rows:,}. Intervals hold 80 %; a guess lies more than 4 times beyond what was measured.",
        "More rows of each kind, those first that bring most per row over all rows:"
        if found.slices
        else "More rows:",
        *ranked,
        "More rows as they come:",
        *others,
        synthetic_line(document),
        conclusion(document, found),
    ]


def ranked_lines(document: VerdictDocument, found: Collecting) -> list[str]:
    """Describe the next step of all rows and of each slice, by what a row brings over all rows."""
    step = next_step(found)
    options = [(step.gain / step.n_more, step_line(step, document, found))]
    options += [(each.overall_gain / each.n_more, slice_line(each, found)) for each in found.slices]
    return [line for _, line in sorted(options, key=lambda option: -option[0])]


def step_lines(document: VerdictDocument, found: Collecting) -> list[str]:
    """Describe every step of rows as they come."""
    return [step_line(step, document, found) for step in found.steps]


def next_step(found: Collecting) -> Collected:
    """Return the step to advise about: the largest round one, before the one that doubles the table."""
    return found.steps[-2]


def step_line(step: Collected, document: VerdictDocument, found: Collecting) -> str:
    """Describe a step of rows as they come."""
    return (
        f"{step.n_more:,} as they come: {_gain(step, document.metric.margin_is_relative)}{_cost(step, found)}"
    )


def slice_line(part: CollectedSlice, found: Collecting) -> str:
    """Describe a step of rows of one slice."""
    overall = gain_in_words(part.overall_gain, part.margin_is_relative)
    return (
        f"{part.n_more:,} of {part.name}: {_gain(part, part.margin_is_relative)} in {part.metric} there, "
        f"{overall} over all rows{_cost(part, found)}"
    )


def synthetic_line(document: VerdictDocument) -> str:
    """Describe what synthetic rows bring today, without a row to collect."""
    relative, validation = document.metric.margin_is_relative, document.validation
    if document.winner.recipe.synthesizer is None:
        return "Synthetic rows: no gain to rely on today."
    promised = gain_in_words(validation.promised_gain, relative)
    interval = interval_in_words(validation.promised_interval, relative)
    return f"Synthetic rows: gain {promised} (90 % interval {interval}) today, for nothing."


def conclusion(document: VerdictDocument, found: Collecting) -> str:
    """Advise to go on collecting, or to stop."""
    relative = document.metric.margin_is_relative
    step, bound = next_step(found), gain_in_words(found.worthwhile, relative)
    below = step.chance_below >= 0.5
    chance = f"{100 * (step.chance_below if below else 1 - step.chance_below):.0f} % chance that"
    bring = f"{step.n_more:,} more rows bring {f'less than {bound}' if below else f'{bound} or more'}"
    return f"{'Stop here' if below else 'Go on collecting'}: {chance} {bring}; {_gain(step, relative)}."


def _gain(step: Collected, relative: bool) -> str:
    """Describe a gain with its interval, and that it is a guess."""
    gain, interval = gain_in_words(step.gain, relative), interval_in_words(step.interval, relative)
    return f"gain {gain} ({interval}{'; a guess' if step.is_guess else ''})"


def _cost(step: Collected, found: Collecting) -> str:
    cost = cost_in_words(step.money, step.days, found.currency)
    return cost and f", for {cost}"

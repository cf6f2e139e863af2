"""Figures of gains: what was measured, promised and realised; the learners; the slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realmix.tasks.core.mixes.in_words import learner_in_words
from realmix.tasks.core.report.figures.drawing import BLUE, GREY, INK, ORANGE, SOFT, Drawn, drawing, to_svg
from realmix.tasks.core.report.story import ships_mix
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.words import gain_and_interval, gain_in_words, width_of

Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Line:
    """One line of a figure of gains."""

    label: str
    gain: float
    interval: Interval | None
    colour: str = BLUE
    # Two digits of it are shown; of the interval's width where there is one.
    size: float | None = None

    def in_words(self, is_relative: bool) -> str:
        """Return the gain with its interval."""
        if self.interval is None:
            return gain_in_words(self.gain, is_relative, self.size)
        return gain_and_interval(self.gain, self.interval, is_relative)


def draw_lines(lines: Sequence[Line], name: str, *, is_relative: bool, margin: float | None) -> str:
    """Draw gains below each other, with their intervals, 0 and the gain worth having."""
    with drawing(height=0.75 + 0.34 * len(lines)) as drawn:
        axes = drawn.axes
        for place, line in enumerate(reversed(lines)):
            words = f"{line.label}: {line.in_words(is_relative)}"
            if line.interval and None not in line.interval:
                ends = [100 * (bound or 0.0) for bound in line.interval]
                axes.plot(ends, [place, place], color=line.colour, linewidth=2, **drawn.titled(words))
            axes.plot(100 * line.gain, place, "o", color=line.colour, markersize=6, **drawn.titled(words))
        axes.axvline(0, color=INK, linewidth=1)
        if margin:
            axes.axvline(100 * margin, color=GREY, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(lines)), [line.label for line in reversed(lines)])
        axes.set_ylim(-0.6, len(lines) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_xlabel(f"gain, {'per cent' if is_relative else 'points'}: right is better")
        return to_svg(drawn, name)


def draw_promise(document: VerdictDocument) -> Drawn | None:
    """Draw the gain of the best mix as measured, as promised, and on the holdout."""
    relative, found, margin = (
        document.metric.margin_is_relative,
        document.validation,
        document.metric.margin,
    )
    row = next((arm for arm in document.arms if found.mix and arm.name == found.mix.name), None)
    if row is None or row.gain is None:
        return None
    lines = [Line("measured", row.gain, row.gain_interval, SOFT)]
    shipped = ships_mix(document)
    if shipped and found.promised_gain is not None:
        lines.append(Line("promised", found.promised_gain, found.promised_interval))
    elif found.shrunken_gain is not None:
        lines.append(Line("to expect", found.shrunken_gain, None, size=width_of(row.gain_interval)))
    holdout = document.holdout
    if holdout and holdout.gain is not None:
        lines.append(Line("realised", holdout.gain, holdout.interval, ORANGE))
    svg = draw_lines(lines, "promise", is_relative=relative, margin=margin)
    return Drawn(svg, _promise_finding(document, lines))


def _promise_finding(document: VerdictDocument, lines: Sequence[Line]) -> str:
    relative = document.metric.margin_is_relative
    by_name = {line.label: line.in_words(relative) for line in lines}
    finding = f"The best mix measured a gain of {by_name['measured']} on the rows that chose it."
    if "promised" in by_name:
        finding += f" Without the luck of the best of many, {by_name['promised']} is promised."
    elif "to expect" in by_name:
        finding += f" Without the luck of the best of many, {by_name['to expect']} is to be expected."
    if "realised" in by_name:
        finding += f" On the holdout, which chose nothing, it was {by_name['realised']}."
    elif not ships_mix(document):
        finding += " It does not ship, so the holdout was not asked about it."
    margin = gain_in_words(document.metric.margin, relative)
    return f"{finding} The dashed line is the smallest gain worth having, {margin}."


def draw_learners(document: VerdictDocument) -> Drawn | None:
    """Draw the measured gain of the best mix of each learner; None for a single one."""
    relative = document.metric.margin_is_relative
    lines = [
        Line(
            learner_in_words(each.model),
            each.mix.gain,
            each.mix.interval,
            GREY if each.gain is None else BLUE,
        )
        for each in document.learners
        if each.mix and each.mix.gain is not None
    ]
    if len(lines) < 2:
        return None
    best = max(lines, key=lambda line: line.gain)
    helped = [learner_in_words(each.model) for each in document.learners if each.gain is not None]
    finding = (
        f"Each learner's best mix against itself on real rows. The largest measured gain is that of {best.label}, "
        f"{best.in_words(relative)}; "
        + (f"a gain is promised for {', '.join(helped)} (blue)." if helped else "none is promised (grey).")
    )
    return Drawn(draw_lines(lines, "learners", is_relative=relative, margin=document.metric.margin), finding)


def draw_slices(document: VerdictDocument) -> Drawn | None:
    """Draw the gain of the best mix on each slice of the validation rows."""
    found = document.generalisation
    parts = [] if found is None else [*found.slices, *(found.shift.samples if found.shift else ())]
    lines = [
        Line(part.name, part.gain, part.interval, ORANGE if getattr(part, "vetoes", False) else BLUE)
        for part in parts
        if part.gain is not None
    ]
    if found is None or not lines:
        return None
    worst, best = (pick(lines, key=lambda line: line.gain) for pick in (min, max))
    relative = found.margin_is_relative
    finding = (
        f"The best mix against real only on parts of the validation rows, by {found.metric}: worst on "
        f"'{worst.label}' ({gain_in_words(worst.gain, relative)}), best on '{best.label}' "
        f"({gain_in_words(best.gain, relative)})."
    )
    return Drawn(draw_lines(lines, "slices", is_relative=relative, margin=None), finding)

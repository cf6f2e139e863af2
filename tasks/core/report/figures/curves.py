"""Figures of curves: scores against synthetic rows per real row, and against the number of real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from realmix.tasks.core.contracts.specs import CONTROLS
from realmix.tasks.core.mixes.in_words import a_learner, synthesizer_in_words
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.figures.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    Drawn,
    colour_of,
    drawing,
    robust_limits,
    spread,
    to_svg,
)
from realmix.tasks.core.report.ratio_arms import ratio_arms
from realmix.tasks.core.report.verdict_document import ArmOfStudy, VerdictDocument
from realmix.tasks.core.scores.learning_curve import MAX_EXTRAPOLATION
from realmix.tasks.core.words import capital, listed, score_in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More lines hide each other.
MAX_CURVES = 5
Curves = dict[str, dict[float, ArmOfStudy]]


def curves_of(document: VerdictDocument) -> Curves:
    """Return the best arm of one learner at each ratio, per synthesizer, the best synthesizers first."""
    found: Curves = {}
    for arm in ratio_arms(document).arms:
        assert arm.synthesizer is not None
        found.setdefault(arm.synthesizer, {}).setdefault(arm.synthetic_ratio, arm)
    return found


def draw_ratio_curves(document: VerdictDocument) -> Drawn | None:
    """Draw one line per synthesizer, controls in grey, and real only as the line to beat."""
    curves = curves_of(document)
    generators = [name for name in curves if name not in CONTROLS][:MAX_CURVES]
    reference = ratio_arms(document).score
    if not generators or reference is None:
        return None
    shown = generators + [name for name in CONTROLS if name in curves]
    values = [_score(arm) for name in shown for arm in curves[name].values()]
    low, high = robust_limits(values, [reference, *(_best(document, curves[name]) for name in generators)])
    with drawing(height=3.3) as drawn:
        axes = drawn.axes
        axes.axhline(reference, color=INK, linewidth=1.2, linestyle="--")
        for name in shown:
            colour = GREY if name in CONTROLS else colour_of(name)
            points = sorted(curves[name].items())
            axes.plot(
                [ratio for ratio, _ in points],
                [_score(arm) for _, arm in points],
                color=colour,
                linewidth=1.6,
            )
            for ratio, arm in points:
                words = f"{arm.name}: {document.metric.name} {score_in_words(arm.score)}"
                axes.plot(ratio, _score(arm), "o", color=colour, markersize=4, **drawn.titled(words))
        axes.set_ylim(low, high)
        _label_ends(drawn.axes, curves, shown, reference, (low, high))
        axes.set_xlabel("synthetic rows per real row")
        axes.set_ylabel(f"{document.metric.name} ({document.metric.direction})")
        return Drawn(to_svg(drawn, "ratios"), _ratio_finding(document, curves, generators, reference))


def _score(arm: ArmOfStudy) -> float:
    assert arm.score is not None  # arms without a score are in no curve
    return float(arm.score)


def _best(document: VerdictDocument, curve: dict[float, ArmOfStudy]) -> float:
    pick = max if document.metric.direction.startswith("higher") else min
    return pick(map(_score, curve.values()))


def _label_ends(
    axes: Axes, curves: Curves, shown: Sequence[str], reference: float, limits: tuple[float, float]
) -> None:
    """Write each line's name at its right end, real only's too, without one hiding another."""
    low, high = limits
    ends = {name: _score(curves[name][max(curves[name])]) for name in shown} | {"real only": reference}
    inside = {name: min(max(end, low), high) for name, end in ends.items()}
    last = max(max(curves[name]) for name in shown)
    for name, place in spread(inside, least=(high - low) / 14).items():
        colour = INK if name == "real only" else GREY if name in CONTROLS else colour_of(name)
        words = name if name == "real only" else synthesizer_in_words(name)
        axes.annotate(words, (last, place), xytext=(8, 0), textcoords="offset points", color=colour, va="center",
                      fontsize=8, annotation_clip=False)  # fmt: skip


def _ratio_finding(
    document: VerdictDocument, curves: Curves, generators: Sequence[str], reference: float
) -> str:
    better = document.metric.direction.startswith("higher")
    ahead = [
        synthesizer_in_words(name)
        for name in generators
        if (_best(document, curves[name]) > reference) == better
        and _best(document, curves[name]) != reference
    ]
    words = f"{capital(listed(ahead) or 'none')} {'get' if len(ahead) > 1 else 'gets'} past"
    left = len([name for name in curves if name not in CONTROLS]) - len(generators)
    lost = {arm.synthesizer for arm in document.arms if arm.synthesizer} - set(curves)
    hidden = f" {left} more synthesizers are in the table of arms." if left > 0 else ""
    if lost:
        names = capital(listed(sorted(map(synthesizer_in_words, lost))))
        hidden += f" {names} left the race early, scored on few folds: no line."
    return (
        f"{words} {a_learner(ratio_arms(document).learner)} on real rows alone (dashed, {document.metric.name} "
        f"{score_in_words(reference)}) at some amount of synthetic "
        f"rows, as measured; grey lines are controls, which add no information.{hidden}"
    )


def draw_rows_saved(document: VerdictDocument) -> Drawn | None:
    """Draw the learning curve of real only, and the best mix of half of the rows on it."""
    saved, metric = document.rows_saved, document.metric
    if saved is None:
        return None
    points, mix = saved.curve, saved.mix
    n_rows = [point.n_rows for point in points]
    with drawing() as drawn:
        axes = drawn.axes
        axes.set_xscale("log")
        axes.fill_between(
            n_rows, [p.low for p in points], [p.high for p in points], color=ORANGE, alpha=0.15, linewidth=0
        )
        axes.plot(n_rows, [p.score for p in points], color=ORANGE, linewidth=1.6)
        for p in points:
            words = f"{p.n_rows:,} real rows: {metric.name} {score_in_words(p.measured)} ({p.arm})"
            axes.plot(p.n_rows, p.measured, "s", color=ORANGE, markersize=5, **drawn.titled(words))
        axes.plot([mix.n_rows, saved.n_eq], [mix.score] * 2, ":", color=BLUE, linewidth=1.6)
        axes.plot(saved.interval, [mix.score] * 2, color=BLUE, linewidth=4, alpha=0.25)
        words = f"best mix of {mix.n_rows:,} real rows: {metric.name} {score_in_words(mix.score)}"
        axes.plot(mix.n_rows, mix.score, "o", color=BLUE, markersize=7, **drawn.titled(words))
        axes.annotate(
            "best mix",
            (mix.n_rows, mix.score),
            xytext=(0, 8),
            textcoords="offset points",
            color=BLUE,
            ha="center",
        )
        axes.annotate("real only", (n_rows[-1], points[-1].score), xytext=(0, 8), textcoords="offset points",
                      color=ORANGE, ha="right")  # fmt: skip
        _row_ticks(axes, [n_rows[0], n_rows[len(n_rows) // 2], n_rows[-1]])
        axes.set_ylabel(f"{metric.name} ({metric.direction})")
        return Drawn(to_svg(drawn, "rows-saved"), saved.sentence)


def draw_collecting(document: VerdictDocument) -> Drawn | None:
    """Draw the learning curve of real only, continued to twice the rows of the table."""
    found, metric = document.collecting, document.metric
    if found is None:
        return None
    n_rows = [point.n_rows for point in found.curve]
    guessed = MAX_EXTRAPOLATION * found.measured_to
    with drawing() as drawn:
        axes = drawn.axes
        axes.set_xscale("log")
        axes.fill_between(n_rows, [p.low for p in found.curve], [p.high for p in found.curve], color=ORANGE, alpha=0.15,
                          linewidth=0)  # fmt: skip
        axes.plot(n_rows, [p.score for p in found.curve], "--", color=ORANGE, linewidth=1.6)
        for point in found.measured:
            words = f"{point.n_rows:,} real rows: {metric.name} {score_in_words(point.score)}, measured"
            axes.plot(point.n_rows, point.score, "s", color=ORANGE, markersize=5, **drawn.titled(words))
        axes.axvline(
            found.n_rows, color=INK, linewidth=1, **drawn.titled(f"your table: {found.n_rows:,} rows")
        )
        axes.annotate("your rows", (found.n_rows, 1), xycoords=("data", "axes fraction"), xytext=(-4, -4),
                      textcoords="offset points", ha="right", va="top")  # fmt: skip
        if guessed < n_rows[-1]:
            axes.axvspan(guessed, n_rows[-1], color=GREY, alpha=0.12, linewidth=0)
        _row_ticks(axes, [found.measured[0].n_rows, found.n_rows, n_rows[-1]])
        axes.set_ylabel(f"{metric.name} ({metric.direction})")
        beyond = " In the grey part it is a guess." if guessed < n_rows[-1] else ""
        finding = f"{advise(document).conclusion} Squares are measured, the dashed line continues them; 80 % interval.{beyond}"
        return Drawn(to_svg(drawn, "collecting"), finding)


def _row_ticks(axes: Axes, shown: Sequence[int]) -> None:
    axes.set_xticks(shown, [f"{n:,.0f}" for n in shown])
    axes.minorticks_off()
    axes.set_xlabel("real training rows")

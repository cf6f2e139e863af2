"""Figures of the report as SVG: gains, ratio curves, learning curves, calibration and predictions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import wraps
from io import StringIO
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from realmix.tasks.core.report.verdict_document import ArmOfStudy, VerdictDocument
from realmix.tasks.core.report.verdict_evidence import Collecting, RowsSaved
from realmix.tasks.core.scores.learning_curve import MAX_EXTRAPOLATION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

# Colour-blind safe (Okabe and Ito, https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6E6E6E"
CYCLE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
MARKERS = "osD^vPX*<>"  # ten, and seven colours: no two synthesizers look alike
N_GAINS = 15
N_BINS = 10
# More points than this hide each other and bloat the page.
MAX_POINTS = 1000

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, and a tenth of the size
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "text.parse_math": False,  # a dollar sign in a name is no formula
}


def styled(draw: Callable[P, str]) -> Callable[P, str]:
    """Draw with `STYLE`, without changing matplotlib's global settings."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> str:
        from matplotlib import rc_context

        with rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def draw_figures(
    verdict_document: VerdictDocument,
    y: np.ndarray,
    predicted_winner: np.ndarray,
    predicted_real_only: np.ndarray,
) -> dict[str, str]:
    """Draw the figures of a study.

    Parameters
    ----------
    verdict_document : VerdictDocument
    y : ndarray of shape (n_rows,)
        Class codes or numbers.
    predicted_winner, predicted_real_only : ndarray of shape (n_rows[, n_classes])
        Out-of-fold or holdout predictions.

    Returns
    -------
    dict of caption to SVG
    """
    arms = verdict_document.arms
    metric = verdict_document.metric
    figures = {
        "Gain of each mix over the best real-only model, with 90 % intervals; right of the line is "
        "better.": draw_gains(arms, is_relative=metric.margin_is_relative)
    }
    if any(arm.role == "candidate" for arm in arms):
        caption = f"{metric.name} against synthetic rows per real row ({metric.direction})."
        figures[caption] = draw_ratio_curves(arms, metric=metric.name, direction=metric.direction)
    saved = verdict_document.rows_saved
    if saved:
        caption = (
            f"Learning curve: {metric.name} of real rows alone against their number ({metric.direction}), "
            "and of the best mix made from half of them; the band and the thick line are 90 % intervals."
        )
        figures[caption] = draw_learning_curve(saved, metric=metric.name, direction=metric.direction)
    if verdict_document.collecting:
        caption = (
            f"More real rows: {metric.name} of real rows alone ({metric.direction}), measured (squares) and continued "
            "beyond the table's rows (dashed line), with an 80 % interval; beyond the dotted line it is a guess."
        )
        figures[caption] = draw_collecting(
            verdict_document.collecting, metric=metric.name, direction=metric.direction
        )
    if predicted_winner.ndim == 2:
        caption = "Calibration: observed frequency against predicted probability; the diagonal is ideal."
        figures[caption] = draw_calibration(y, predicted_winner, predicted_real_only)
    else:
        caption = "Predicted against actual values; the diagonal is ideal."
        figures[caption] = draw_predicted(y, predicted_winner, predicted_real_only)
    return figures


@styled
def draw_gains(arms: Sequence[ArmOfStudy], *, is_relative: bool) -> str:
    """Draw a forest plot of the best arm of each mix: the 15 best mixes, all controls, real only.

    Parameters
    ----------
    arms : sequence of ArmOfStudy
        Best first.
    is_relative : bool
        True for gains as shares, otherwise points of the metric.
    """
    shown = _best_of_mixes(arms)
    figure, axes = _new_figure(height=0.9 + 0.24 * len(shown))
    for position, arm in enumerate(reversed(shown)):
        colour = {"candidate": BLUE, "control": ORANGE}.get(arm.role, GREY)
        low, high = (100 * _or_nan(bound) for bound in arm.gain_interval)
        axes.plot([low, high], [position, position], color=colour, linewidth=1.6)
        axes.plot(100 * _or_nan(arm.gain), position, {"candidate": "o", "control": "s"}.get(arm.role, "D"),
                  color=colour, markersize=5)  # fmt: skip
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [arm.name for arm in reversed(shown)])
    axes.set_xlabel(f"gain over real only, {'per cent' if is_relative else 'points'} (right is better)")
    for role, colour, marker in (("mix", BLUE, "o"), ("control", ORANGE, "s"), ("real rows only", GREY, "D")):
        axes.plot([], [], marker, color=colour, label=role)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / figure.get_figheight()), ncols=3)
    return _to_svg(figure, "gains")


@styled
def draw_ratio_curves(arms: Sequence[ArmOfStudy], *, metric: str, direction: str) -> str:
    """Draw the best score at each ratio, one line per synthesizer and label rule, and real only.

    Arms come best first, those scored on few folds last: the first one at a ratio is its best.
    """
    curves: dict[tuple[str, str], dict[float, float]] = {}
    for arm in arms:
        if arm.synthesizer is not None:
            curve = curves.setdefault((arm.synthesizer, arm.label_rule), {})
            curve.setdefault(arm.synthetic_ratio, _or_nan(arm.score))
    real_only = next(_or_nan(arm.score) for arm in arms if arm.role == "real_only")
    figure, axes = _new_figure(height=3.6)
    names = sorted({synthesizer for synthesizer, _ in curves})
    for (synthesizer, label_rule), curve in sorted(curves.items()):
        number = names.index(synthesizer)
        axes.plot(*zip(*sorted(curve.items()), strict=True), linestyle="-" if label_rule == "teacher" else ":",
                  color=CYCLE[number % len(CYCLE)], marker=MARKERS[number % len(MARKERS)], markersize=4,
                  label=f"{synthesizer}, {label_rule} labels")  # fmt: skip
    axes.axhline(real_only, color="black", linewidth=1.2, linestyle="--", label="real only")
    axes.set_xlabel("synthetic rows per real row")
    axes.set_ylabel(f"{metric} ({direction})")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return _to_svg(figure, "ratios")


@styled
def draw_learning_curve(saved: RowsSaved, *, metric: str, direction: str) -> str:
    """Draw the learning curve of real only, and the mix's score on it.

    Parameters
    ----------
    saved : RowsSaved
    metric, direction : str
    """
    points, mix = saved.curve, saved.mix
    n_rows = [point.n_rows for point in points]
    figure, axes = _new_figure(height=3.6, width=5.6)
    axes.set_xscale("log")
    low, high = ([getattr(point, side) for point in points] for side in ("low", "high"))
    axes.fill_between(n_rows, low, high, color=ORANGE, alpha=0.15, linewidth=0)
    axes.plot(n_rows, [point.score for point in points], color=ORANGE, label="real only")
    axes.plot(n_rows, [point.measured for point in points], "s", color=ORANGE, markersize=4)
    axes.plot(mix.n_rows, mix.score, "o", color=BLUE, label="best mix")
    axes.plot([mix.n_rows, saved.n_eq], [mix.score] * 2, ":", color=BLUE, label="real rows it is worth")
    axes.plot(saved.interval, [mix.score] * 2, color=BLUE, linewidth=4, alpha=0.25)
    axes.set_xticks(n_rows, [f"{n:,.0f}" for n in n_rows])
    axes.minorticks_off()
    axes.set_xlabel("real training rows")
    axes.set_ylabel(f"{metric} ({direction})")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return _to_svg(figure, "rows-saved")


@styled
def draw_collecting(found: Collecting, *, metric: str, direction: str) -> str:
    """Draw the learning curve of real only, continued to twice the rows of the table.

    Parameters
    ----------
    found : Collecting
    metric, direction : str
    """
    figure, axes = _new_figure(height=2.8, width=5.6)
    axes.set_xscale("log")
    n_rows = [point.n_rows for point in found.curve]
    low, high = ([getattr(point, side) for point in found.curve] for side in ("low", "high"))
    axes.fill_between(n_rows, low, high, color=ORANGE, alpha=0.15, linewidth=0)
    axes.plot(n_rows, [point.score for point in found.curve], "--", color=ORANGE, label="continued")
    measured = [(point.n_rows, point.score) for point in found.measured]
    axes.plot(*zip(*measured, strict=True), "s", color=ORANGE, markersize=4, label="measured")
    axes.axvline(found.n_rows, color="black", linewidth=0.8, label="rows of the table")
    if (guessed := MAX_EXTRAPOLATION * found.measured_to) < n_rows[-1]:
        axes.axvline(guessed, color=GREY, linewidth=0.8, linestyle=":", label="a guess from here")
    shown = [found.measured[0].n_rows, found.measured_to, found.n_rows, n_rows[-1]]
    axes.set_xticks(shown, [f"{n:,.0f}" for n in shown])
    axes.minorticks_off()
    axes.set_xlabel("real training rows")
    axes.set_ylabel(f"{metric} ({direction})")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return _to_svg(figure, "collecting")


@styled
def draw_calibration(y: np.ndarray, winner: np.ndarray, real_only: np.ndarray) -> str:
    """Draw observed frequency against predicted probability, in bins of equal size.

    Of the positive class for two classes, otherwise of the most probable class.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
    winner, real_only : ndarray of shape (n_rows, n_classes)
    """
    figure, axes = _new_figure(height=3.6, width=4.6)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    for predicted, (label, colour, marker) in _pair(winner, real_only):
        probability, observed = _calibration_curve(y, predicted)
        axes.plot(probability, observed, marker=marker, color=colour, markersize=4, label=label)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("observed frequency")
    axes.legend(loc="upper left")
    return _to_svg(figure, "calibration")


@styled
def draw_predicted(y: np.ndarray, winner: np.ndarray, real_only: np.ndarray) -> str:
    """Draw predicted against actual numbers, for at most 1,000 evenly spaced rows.

    Parameters
    ----------
    y, winner, real_only : ndarray of shape (n_rows,)
    """
    shown = np.unique(np.linspace(0, len(y) - 1, min(len(y), MAX_POINTS)).astype(int))
    figure, axes = _new_figure(height=3.6, width=4.6)
    ends = [float(y.min()), float(y.max())]
    axes.plot(ends, ends, color=GREY, linewidth=0.8)
    for predicted, (label, colour, marker) in reversed(_pair(winner, real_only)):
        axes.plot(y[shown], predicted[shown], marker, color=colour, markersize=2.5, alpha=0.5, label=label)
    axes.set_xlabel("actual")
    axes.set_ylabel("predicted")
    axes.legend(loc="upper left")
    return _to_svg(figure, "predicted")


def _best_of_mixes(arms: Sequence[ArmOfStudy]) -> list[ArmOfStudy]:
    """Select the first arm of each mix: at most 15 candidates, all controls and real only."""
    first: dict[str, ArmOfStudy] = {}
    for arm in arms:
        first.setdefault(arm.mix, arm)
    candidates = [arm for arm in first.values() if arm.role == "candidate"][:N_GAINS]
    return [arm for arm in first.values() if arm.role != "candidate" or arm in candidates]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _pair(winner: np.ndarray, real_only: np.ndarray) -> list[tuple[np.ndarray, tuple[str, str, str]]]:
    """Return both predictions with label, colour and marker; only one if they are the same."""
    shipped = (winner, ("shipped model", BLUE, "o"))
    if np.array_equal(winner, real_only):
        return [shipped]
    return [shipped, (real_only, ("real only", ORANGE, "s"))]


def _calibration_curve(y: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    code = np.ones(len(y), dtype=int) if predicted.shape[1] == 2 else predicted.argmax(axis=1)
    probability = predicted[np.arange(len(y)), code]
    observed = (y == code).astype(float)
    bins = np.array_split(np.argsort(probability, kind="stable"), min(N_BINS, len(y)))
    return np.array([probability[b].mean() for b in bins]), np.array([observed[b].mean() for b in bins])


def _new_figure(*, height: float, width: float = 7.5) -> tuple[Figure, Axes]:
    """Return a new figure outside pyplot, which would keep global state."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def _to_svg(figure: Figure, name: str) -> str:
    """Return inline SVG, byte for byte reproducible, with ids that are unique on the page."""
    from matplotlib import rc_context

    buffer = StringIO()
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)

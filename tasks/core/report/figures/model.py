"""Figures of the model that ships: what it looks at, and whether its predictions come true."""

from __future__ import annotations

from realmix.tasks.core.report.figures.drawing import BLUE, GREY, INK, Drawn, drawing, to_svg
from realmix.tasks.core.report.model_evidence import ModelEvidence
from realmix.tasks.core.words import gain_in_words

MAX_FEATURES = 12
# Among bins of equally many rows, one in ten lies outside its 90 % interval by chance.
USUAL_MISSES = 0.1


def draw_importance(evidence: ModelEvidence) -> Drawn | None:
    """Draw how much worse the model gets without what each feature says, of the most important ones."""
    shown = evidence.importance[:MAX_FEATURES]
    if not shown:
        return None
    relative = evidence.importance_is_relative
    with drawing(height=0.7 + 0.26 * len(shown)) as drawn:
        axes = drawn.axes
        for place, each in enumerate(reversed(shown)):
            words = (
                f"{each.feature}: {gain_in_words(each.worsens, relative)} worse without it, "
                f"{gain_in_words(each.low, relative)} to {gain_in_words(each.high, relative)} in single folds"
            )
            axes.barh(place, 100 * each.worsens, 0.7, color=BLUE, alpha=0.8, linewidth=0)
            axes.patches[-1].set_gid(drawn.titled(words)["gid"])
            axes.plot([100 * each.low, 100 * each.high], [place, place], color=INK, linewidth=1)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_yticks(range(len(shown)), [each.feature for each in reversed(shown)])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"{evidence.importance_metric} gets worse by, {'per cent' if relative else 'points'}")
        return Drawn(to_svg(drawn, "importance"), _importance_finding(evidence))


def _importance_finding(evidence: ModelEvidence) -> str:
    relative = evidence.importance_is_relative
    needed = [each for each in evidence.importance if each.low > 0]
    first = evidence.importance[0]
    words = (
        f"The model looks at {first.feature} most: with its values shuffled, {evidence.importance_metric} gets "
        f"{gain_in_words(first.worsens, relative)} worse."
    )
    rest = len(evidence.importance) - len(needed)
    return f"{words} In every fold it needs {len(needed)} features; {rest} make no difference that shows in every fold."


def draw_calibration(evidence: ModelEvidence, *, is_classification: bool) -> Drawn:
    """Draw what was observed against what was predicted, in bins of equally many rows."""
    bins = evidence.calibration
    with drawing(height=3.6) as drawn:
        axes = drawn.axes
        ends = [min(b.predicted for b in bins), max(b.predicted for b in bins)]
        if is_classification:
            ends = [0.0, max(0.05, 1.1 * max(max(b.predicted, min(b.high, 1.0)) for b in bins))]
        axes.plot(ends, ends, color=GREY, linewidth=1)
        for each in bins:
            words = f"{each.n_rows:,} rows: predicted {each.predicted:.3g}, observed {each.observed:.3g}"
            axes.plot([each.predicted] * 2, [each.low, each.high], color=BLUE, linewidth=1.4, alpha=0.7)
            axes.plot(each.predicted, each.observed, "o", color=BLUE, markersize=5, **drawn.titled(words))
        axes.set_xlabel("predicted probability" if is_classification else "predicted")
        axes.set_ylabel("observed frequency" if is_classification else "observed mean")
        return Drawn(to_svg(drawn, "calibration"), _calibration_finding(evidence, is_classification))


def _calibration_finding(evidence: ModelEvidence, is_classification: bool) -> str:
    off = [b for b in evidence.calibration if not b.low <= b.predicted <= b.high]
    what = "probabilities" if is_classification else "predictions"
    n_bins = len(evidence.calibration)
    if len(off) <= round(USUAL_MISSES * n_bins):
        found = f"The {what} can be taken at their word: {n_bins - len(off)} of {n_bins} groups of rows agree with them"
    else:
        high = sum(b.predicted > b.high for b in off)
        lean = "too high" if high > len(off) - high else "too low"
        found = (
            f"{len(off)} of {n_bins} groups of rows disagree with the {what}, which are mostly {lean} there"
        )
    return f"{found}; 90 % intervals. On the line they come true exactly."

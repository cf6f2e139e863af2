"""Figures of rows: real beside synthetic ones, column by column, and how columns hang together."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.mixes.in_words import synthesizer_in_words
from realmix.tasks.core.report.figures.drawing import BLUE, GREY, ORANGE, SOFT, Drawn, drawing, to_svg
from realmix.tasks.core.report.model_evidence import ColumnLikeness, CorrelatedPair, Likeness
from realmix.tasks.core.words import capital, share_in_words

# More columns make the page long and the file large; the least alike are shown.
MAX_COLUMNS = 12
MAX_NAME = 14


def draw_columns(likeness: Likeness) -> dict[str, Drawn]:
    """Draw the columns that are least alike, by their name; hidden ones are left out."""
    shown = [column for column in likeness.columns if column.bins]
    shown.sort(key=lambda column: 1.0 if column.score is None else column.score)
    return {
        column.name: draw_column(column, f"column-{place}")
        for place, column in enumerate(shown[:MAX_COLUMNS])
    }


def draw_column(column: ColumnLikeness, name: str) -> Drawn:
    """Draw shares of real rows as bars and of synthetic rows as a line or dots."""
    is_text = column.kind == "categorical"
    size = 0.45 + 0.19 * len(column.bins) if is_text else 1.5
    with drawing(width=2.4, height=size) as drawn:
        axes, places = drawn.axes, np.arange(len(column.bins))
        real, synthetic = (100 * np.array(shares) for shares in (column.real, column.synthetic))
        for place, (label, one, other) in enumerate(zip(column.bins, real, synthetic, strict=True)):
            words = f"{label}: {one:.1f} % of real rows, {other:.1f} % of synthetic rows"
            bar = axes.barh if is_text else axes.bar
            bar(place, one, 0.8 if is_text else 1.0, color=GREY, alpha=0.55, linewidth=0)
            axes.patches[-1].set_gid(drawn.titled(words)["gid"])
        if is_text:
            axes.plot(synthetic, places, "D", color=BLUE, markersize=4)
            axes.set_yticks(places, [_short(label) for label in column.bins])
            axes.invert_yaxis()
        else:
            axes.step(
                [-0.5, *(places + 0.5)], [synthetic[0], *synthetic], where="pre", color=BLUE, linewidth=1.6
            )
            ends = [column.bins[0].split(" to ")[0], column.bins[-1].split(" to ")[-1]]
            axes.set_xticks([-0.5, len(places) - 0.5], ends)
        axes.grid(visible=False)
        axes.tick_params(length=0, labelsize=8)
        (axes.xaxis if is_text else axes.yaxis).set_visible(False)
        axes.spines["bottom" if is_text else "left"].set_visible(False)
        return Drawn(to_svg(drawn, name), _column_finding(column))


def _column_finding(column: ColumnLikeness) -> str:
    gaps = np.array(column.synthetic) - np.array(column.real)
    place = int(np.abs(gaps).argmax())
    more = "more" if gaps[place] > 0 else "fewer"
    return (
        f"{column.name}: largest difference at {column.bins[place]}, {share_in_words(abs(float(gaps[place])))} of all rows "
        f"{more} among synthetic ones"
    )


def _short(label: str) -> str:
    return label if len(label) <= MAX_NAME else f"{label[: MAX_NAME - 1]}…"


def draw_correlations(likeness: Likeness) -> Drawn | None:
    """Draw the correlation of each pair of number columns among synthetic rows against that among real ones."""
    pairs = likeness.correlations
    if len(pairs) < 2:
        return None
    with drawing(height=3.6) as drawn:
        axes = drawn.axes
        axes.plot([-1, 1], [-1, 1], color=GREY, linewidth=1)
        for pair in pairs:
            words = f"{pair.first} and {pair.second}: {_signed(pair.real)} real, {_signed(pair.synthetic)} synthetic"
            axes.plot(pair.real, pair.synthetic, "o", color=ORANGE if _is_off(pair) else BLUE, markersize=5,
                      alpha=0.8, **drawn.titled(words))  # fmt: skip
        reach = min(1.05, max(0.3, *(abs(v) * 1.15 for p in pairs for v in (p.real, p.synthetic))))
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.set_xlabel("correlation among real rows")
        axes.set_ylabel("among synthetic rows")
        axes.yaxis.label.set_color(SOFT)
        return Drawn(to_svg(drawn, "correlations"), _correlation_finding(likeness))


def _signed(correlation: float) -> str:
    return f"{correlation:.2f}".replace("-", "−")


def _is_off(pair: CorrelatedPair) -> bool:
    return abs(pair.synthetic - pair.real) > 0.1


def _correlation_finding(likeness: Likeness) -> str:
    worst = max(likeness.correlations, key=lambda pair: abs(pair.synthetic - pair.real))
    off = sum(map(_is_off, likeness.correlations))
    return (
        f"{capital(synthesizer_in_words(likeness.synthesizer))} rows keep {len(likeness.correlations) - off} of "
        f"{len(likeness.correlations)} rank correlations within 0.1; most is lost between {worst.first} and {worst.second} "
        f"({_signed(worst.real)} among real rows, {_signed(worst.synthetic)} among synthetic ones). On the line nothing is "
        "lost."
    )

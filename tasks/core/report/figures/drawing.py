"""How figures are drawn: matplotlib's SVG, in colours of the page, with titles that appear on hover."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

# Drawn in these colours, shown in the page's variables of the same names, which differ in the dark. Colour-blind safe
# (Okabe and Ito, https://jfly.uni-koeln.de/color/).
COLOURS = {
    "ink": "#1b1f24", "soft": "#57606a", "line": "#d0d7de", "grey": "#8a929b",
    "blue": "#0072b2", "orange": "#d55e00", "green": "#009e73", "pink": "#cc79a7", "sky": "#56b4e9", "amber": "#e69f00",
    "plum": "#6a3d9a",
}  # fmt: skip
INK, SOFT, LINE, GREY, BLUE, ORANGE = (COLOURS[c] for c in ("ink", "soft", "line", "grey", "blue", "orange"))
# One colour for a synthesizer in every report; those of users take one of the rest by their name.
OF_SYNTHESIZER = {
    "ctgan": "blue", "tvae": "sky", "copulagan": "plum", "gaussian-copula": "green", "smote": "amber",
    "sequential-trees": "orange", "neighbour-swap": "pink",
}  # fmt: skip
OF_OTHERS = ("blue", "green", "amber", "pink", "plum")
# A phone is 390 px wide: text of 9 points stays readable in a figure of this width.
WIDTH, HEIGHT = 4.6, 3.0
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, and a tenth of the size
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK, "axes.labelcolor": SOFT, "xtick.color": SOFT, "ytick.color": SOFT, "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.alpha": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "axes.unicode_minus": True,
    "text.parse_math": False,  # a dollar sign in a name is no formula
}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A figure: its SVG, and in words what it shows, which is also its alternative text."""

    svg: str
    finding: str


@dataclass
class Drawing:
    """A figure that is being drawn."""

    canvas: Canvas
    axes: Axes
    titles: dict[str, str] = field(default_factory=dict)

    def titled(self, text: str) -> dict[str, Any]:
        """Return the keyword that gives the next artist a title on hover."""
        name = f"t{len(self.titles)}"
        self.titles[name] = text
        return {"gid": name}


@contextmanager
def drawing(*, width: float = WIDTH, height: float = HEIGHT) -> Iterator[Drawing]:
    """Open a drawing outside pyplot, which would keep global state, without changing matplotlib's settings."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        canvas = Figure(figsize=(width, height), layout="constrained")
        canvas.patch.set_visible(False)
        FigureCanvasSVG(canvas)
        axes = canvas.add_subplot()
        axes.patch.set_visible(False)
        yield Drawing(canvas, axes)


def to_svg(drawn: Drawing, name: str) -> str:
    """Return inline SVG, byte for byte reproducible, with ids that are unique on the page."""
    from matplotlib import rc_context

    buffer = StringIO()
    with rc_context({"svg.hashsalt": name}):
        drawn.canvas.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    for gid, title in drawn.titles.items():
        svg = svg.replace(f'<g id="{gid}">', f'<g id="{gid}"><title>{escape(title)}</title>')
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable}, {colour})")
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)


def colour_of(synthesizer: str) -> str:
    """Return the colour of a synthesizer, the same in every report.

    Examples
    --------
    >>> colour_of("ctgan"), colour_of("my-own") == colour_of("my-own")
    ('#0072b2', True)
    """
    known = OF_SYNTHESIZER.get(synthesizer)
    return COLOURS[known or OF_OTHERS[zlib.crc32(synthesizer.encode()) % len(OF_OTHERS)]]


def spread(positions: Mapping[str, float], *, least: float) -> dict[str, float]:
    """Move labels apart so that two neighbours are at least so far from each other.

    Examples
    --------
    >>> spread({"a": 0.0, "b": 0.1, "c": 5.0}, least=1.0)
    {'a': 0.0, 'b': 1.0, 'c': 5.0}
    """
    moved: dict[str, float] = {}
    for name, position in sorted(positions.items(), key=lambda item: item[1]):
        moved[name] = max(position, max(moved.values(), default=position - least) + least)
    return moved


def robust_limits(values: Sequence[float], needed: Sequence[float]) -> tuple[float, float]:
    """Return limits of an axis that show the bulk of the values and all needed ones: one outlier stretches nothing.

    Examples
    --------
    >>> low, high = robust_limits([1.0, 1.1, 1.2, 1.3, 50.0], [1.05])
    >>> low < 1.0, high < 5.0
    (True, True)
    """
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    spread_ = sorted(abs(value - middle) for value in ordered)[len(ordered) // 2] or abs(middle) / 100 or 1.0
    inside = [value for value in ordered if abs(value - middle) <= 5 * spread_]
    low, high = min(*inside, *needed, middle), max(*inside, *needed, middle)
    margin = 0.08 * (high - low) or spread_
    return low - margin, high + margin

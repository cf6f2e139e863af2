"""Gains, intervals and counts as text for reports and the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence


def gain_in_words(gain: float | None, is_relative: bool) -> str:
    """Format a gain as a percentage of the score, or in points (one point = 0.01).

    Examples
    --------
    >>> gain_in_words(0.0123, is_relative=True), gain_in_words(-0.004, is_relative=False)
    ('1.23 %', '-0.4 points')
    """
    if gain is None or not math.isfinite(gain):
        return "unknown"
    number = f"{100 * gain:.3g}" if abs(gain) >= 1e-6 else "0"
    return f"{number} %" if is_relative else f"{number} points"


def interval_in_words(interval: Sequence[float | None] | None, is_relative: bool) -> str:
    """Format both bounds of a gain.

    Examples
    --------
    >>> interval_in_words((-0.01, 0.02), is_relative=True)
    '-1 % to 2 %'
    """
    if interval is None:
        return "unknown"
    return " to ".join(gain_in_words(bound, is_relative) for bound in interval)


def mixes_in_words(n: int) -> str:
    """Count mixes and models that failed: some of them fail as a whole, some with one learner.

    Examples
    --------
    >>> mixes_in_words(1), mixes_in_words(12)
    ('1 mix or model', '12 mixes and models')
    """
    return "1 mix or model" if n == 1 else f"{n:,} mixes and models"


def wrong_cells_in_words(n: int, expected: str) -> str:
    """Count cells of another type than expected.

    Examples
    --------
    >>> wrong_cells_in_words(1, "number"), wrong_cells_in_words(1200, "date")
    ('1 cell that is no number', '1,200 cells that are no date')
    """
    return f"1 cell that is no {expected}" if n == 1 else f"{n:,} cells that are no {expected}"


def counted(number: float, unit: str) -> str:
    """Format a number with its unit.

    Examples
    --------
    >>> counted(1, "day"), counted(1.5, "day"), counted(1150, "row")
    ('1 day', '1.5 days', '1,150 rows')
    """
    text = f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"


def cost_in_words(money: float | None, days: float | None, currency: str | None) -> str:
    """Format what rows cost, in money and in days; empty where neither is known.

    Examples
    --------
    >>> cost_in_words(1500, 3, "EUR"), cost_in_words(2.5, None, "EUR"), cost_in_words(None, None, None)
    ('1,500 EUR and 3 days', '2.50 EUR', '')
    """
    costs = [] if money is None else [f"{money:,.{0 if money >= 10 else 2}f} {currency}"]
    return " and ".join([*costs, *([] if days is None else [counted(days, "day")])])

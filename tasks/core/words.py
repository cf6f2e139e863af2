"""Gains, intervals and counts as text for reports and the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence


def gain_in_words(gain: float | None, is_relative: bool, size: float | None = None) -> str:
    """Format a gain as a percentage of the score, or in points (one point = 0.01), with a true minus.

    Parameters
    ----------
    gain : float or None
    is_relative : bool
    size : float, optional
        Two digits of this size are shown, such as the width of the gain's interval; of the gain itself when None.

    Examples
    --------
    >>> gain_in_words(0.0123, is_relative=True), gain_in_words(-0.004, is_relative=False)
    ('1.2 %', '−0.4 points')
    >>> gain_in_words(0.0123, is_relative=True, size=0.3)
    '1 %'
    """
    if gain is None or not math.isfinite(gain):
        return "unknown"
    # Nobody is told of a millionth: sums of folds differ by that.
    shown = gain if abs(gain) >= 1e-6 else 0.0
    number = in_digits(100 * shown, 100 * (abs(shown) if size is None else size))
    return f"{number} {'%' if is_relative else 'points'}"


def interval_in_words(interval: Sequence[float | None] | None, is_relative: bool) -> str:
    """Format both bounds of a gain, with two digits of the interval's width.

    Examples
    --------
    >>> interval_in_words((-0.0281, 0.00202), is_relative=True)
    '−2.8 % to 0.2 %'
    """
    if interval is None:
        return "unknown"
    width = width_of(interval)
    return " to ".join(gain_in_words(bound, is_relative, width) for bound in interval)


def gain_and_interval(
    gain: float | None, interval: Sequence[float | None] | None, is_relative: bool, level: int = 90
) -> str:
    """Format a gain with its interval, both with two digits of the interval's width.

    Examples
    --------
    >>> gain_and_interval(-0.00697, (-0.0281, 0.00202), is_relative=True)
    '−0.7 % (90 % interval −2.8 % to 0.2 %)'
    """
    words = gain_in_words(gain, is_relative, width_of(interval))
    return (
        words
        if interval is None
        else f"{words} ({level} % interval {interval_in_words(interval, is_relative)})"
    )


def width_of(interval: Sequence[float | None] | None) -> float | None:
    """Return the width of an interval; None where it has none."""
    if interval is None or None in interval:
        return None
    low, high = (float(bound) for bound in interval if bound is not None)
    # An interval of equal gains has the width of a rounding error.
    return (
        high - low
        if math.isfinite(high - low) and high - low > 1e-9 * max(abs(high), abs(low), 1e-9)
        else None
    )


def in_digits(number: float, size: float) -> str:
    """Round a number to two digits of a size, with a true minus and without zeros at its end.

    Examples
    --------
    >>> in_digits(0.45528, 0.0123), in_digits(-1250.4, 800), in_digits(-0.0001, 3.0)
    ('0.455', '−1,250', '0')
    """
    if not math.isfinite(number):
        return "unknown"
    decimals = min(8, max(0, 1 - math.floor(math.log10(size)))) if size > 0 else 0
    text = f"{number:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "0") else text.replace("-", "−")


def share_in_words(share: float | None) -> str:
    """Format a share or a chance in per cent, with two digits.

    Examples
    --------
    >>> share_in_words(0.502), share_in_words(0.0043), share_in_words(None)
    ('50 %', '0.43 %', 'unknown')
    """
    return gain_in_words(share, is_relative=True)


def score_in_words(score: float | None, interval: Sequence[float | None] | None = None) -> str:
    """Format a score with two digits of its interval's width, or with four digits.

    Examples
    --------
    >>> score_in_words(0.455283, (0.44, 0.47)), score_in_words(0.455283), score_in_words(None)
    ('0.455', '0.4553', 'unknown')
    """
    if score is None or not math.isfinite(score):
        return "unknown"
    return in_digits(score, width_of(interval) or abs(score) / 100)


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


def score_and_interval(score: float | None, interval: Sequence[float | None]) -> str:
    """Format a score with its 90 % interval, both with two digits of the interval's width.

    Examples
    --------
    >>> score_and_interval(0.81234, (0.79, 0.83))
    '0.812 (90 % interval 0.79 to 0.83)'
    """
    low, high = (score_in_words(bound, interval) for bound in interval)
    return f"{score_in_words(score, interval)} (90 % interval {low} to {high})"


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> listed(["SMOTE"]), listed(["CTGAN", "SMOTE", "TVAE"])
    ('SMOTE', 'CTGAN, SMOTE and TVAE')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def capital(sentence: str) -> str:
    """Begin a sentence with a capital letter.

    Examples
    --------
    >>> capital("your rows"), capital("")
    ('Your rows', '')
    """
    return sentence[:1].upper() + sentence[1:]


def first_sentence(text: str) -> str:
    """Return the first of some sentences.

    Examples
    --------
    >>> first_sentence("A loss of 0.5 % is likely. It was measured."), first_sentence("no stop")
    ('A loss of 0.5 % is likely.', 'no stop')
    """
    first, stop, _ = text.partition(". ")
    return first + stop.rstrip()


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

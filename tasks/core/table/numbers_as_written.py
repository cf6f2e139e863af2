"""Numbers as people and programs write them: decimal and thousands marks, currency, units, brackets.

A shipped model contains a copy of this file, so it imports public libraries only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# Blanks that group digits: plain, no-break, thin, narrow no-break.
BLANKS = " \u00a0\u2009\u202f"
MINUS = "-\u2212\u2013"
SYMBOLS = "$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u0e3f\u17db\u20a0-\u20c0\ufdfc\ufe69\uff04\uffe0\uffe1\uffe5\uffe6"
CURRENCY_CODES = (
    "USD|EUR|GBP|JPY|CNY|RMB|CHF|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR|BRL|MXN|ARS|CLP|"
    "COP|PEN|ZAR|KRW|SGD|HKD|TWD|THB|IDR|MYR|PHP|VND|ILS|AED|SAR|EGP|NGN|KES|Rs\\.?|Fr\\.?|kr\\.?|z\u0142"
)
CURRENCY = rf"(?:[A-Z]{{0,3}}[{SYMBOLS}]|(?:{CURRENCY_CODES}))"
SUFFIX = rf"(?:{CURRENCY}|[%\u2030\u00b0]|[^\W\d_][^\d()\n]{{0,15}}|\u00b0[CFK])"
# Magnitudes by their letter or word; a small m stands for metres, minutes or months.
MAGNITUDES = {
    **dict.fromkeys(("k", "K", "tsd", "tsd.", "thousand"), 3),
    **dict.fromkeys(("M", "mn", "mio", "mio.", "million", "millions"), 6),
    **dict.fromkeys(("B", "bn", "mrd", "mrd.", "billion", "billions"), 9),
    **dict.fromkeys(("T", "tn", "trillion"), 12),
}
CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,6}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?")
PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
INFINITE = re.compile(r"[-+]?inf(inity)?", re.IGNORECASE)
# Whole numbers beyond this are not exact as floats.
MAX_EXACT = 2**53


def _number_pattern(decimal: str) -> re.Pattern[str]:
    marks = (",", "'", "\u2019") if decimal == "." else (".", "'", "\u2019")
    group = rf"[{re.escape(''.join(marks))}{BLANKS}]"
    indian = r"|[1-9]\d?(?:,\d\d)+,\d{3}" if decimal == "." else ""
    whole = rf"(?:[1-9]\d{{0,2}}(?:(?P<mark>{group})\d{{3}})(?:(?P=mark)\d{{3}})*{indian}|\d+)"
    dot = re.escape(decimal)
    body = rf"(?P<body>{whole}(?:{dot}\d*)?|{dot}\d+)"
    return re.compile(
        rf"(?P<open>\()?\s*(?P<sign>[{MINUS}+])?\s*(?P<before>{CURRENCY})?\s*(?P<inner>[{MINUS}])?\s*"
        rf"{body}(?:[eE](?P<power>[-+]?\d{{1,3}}))?\s*(?P<after>{SUFFIX})?\s*(?P<last>[{MINUS}])?\s*(?P<close>\))?"
    )


NUMBER_PATTERNS = {decimal: _number_pattern(decimal) for decimal in ".,"}


@dataclass(frozen=True)
class WrittenNumber:
    """One number: its value, and the unit or currency beside it (empty if none)."""

    value: float
    unit: str
    has_magnitude: bool = False


@dataclass(frozen=True)
class NumberForm:
    """How a column writes its numbers.

    Attributes
    ----------
    decimal : {".", ","}
    unit : str
        Unit or currency, empty if none.
    n_read : int
        Cells that this form reads.
    n_with_unit : int
        Those of them that have the unit beside them.
    other_units : dict of str to int
        Further units and their cells: these are not read, as their scale differs.
    """

    decimal: str
    unit: str
    n_read: int
    n_with_unit: int
    other_units: Mapping[str, int]


def parse_number(text: str, decimal: str = ".") -> WrittenNumber | None:
    """Parse one cell; None where it is no number.

    Parameters
    ----------
    text : str
        Without blanks at its ends.
    decimal : {".", ","}

    Examples
    --------
    >>> [parse_number(text).value for text in ("$2,962.17", "(0.680)", "2.96k", "12 %", "5-")]
    [2962.17, -0.68, 2960.0, 12.0, -5.0]
    >>> parse_number("2.962,17 €", ","), parse_number("A12"), parse_number("<0.01")
    (WrittenNumber(value=2962.17, unit='€', has_magnitude=False), None, None)
    """
    found = NUMBER_PATTERNS[decimal].fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [part for part in (found["sign"], found["inner"], found["last"]) if part]
    if len(signs) > 1 or (signs and found["open"]):
        return None
    power, unit = int(found["power"] or 0), (found["after"] or "").strip()
    magnitude = MAGNITUDES.get(unit, MAGNITUDES.get(unit.lower(), 0) if len(unit) > 1 else 0)
    if magnitude:
        unit = ""
    if found["before"] and unit:
        return None
    digits = re.sub(rf"[^\d{re.escape(decimal)}]", "", found["body"]).replace(decimal, ".")
    is_negative = bool(found["open"]) or bool(signs and signs[0] != "+")
    value = float(f"{'-' * is_negative}{digits}e{power + magnitude}")
    return WrittenNumber(value, found["before"] or unit, bool(magnitude))


def find_number_form(counts: Mapping[str, int], prior: str | None = None) -> NumberForm | None:
    """Find how most cells write their numbers, by all cells together.

    Parameters
    ----------
    counts : mapping of text to number of cells
        Distinct present cells, without blanks at their ends.
    prior : {".", ","}, optional
        Decimal mark that other columns of the file show: it decides where no cell here does. Without
        it a comma before groups of three digits marks thousands.

    Returns
    -------
    NumberForm or None
        None if no cell is a number.

    Examples
    --------
    >>> find_number_form({"2,962": 1, "827": 1}).decimal, find_number_form({"2,962": 1, "0,5": 1}).decimal
    ('.', ',')
    """
    read = {decimal: {text: parse_number(text, decimal) for text in counts} for decimal in NUMBER_PATTERNS}
    totals = {
        decimal: sum(counts[text] for text, number in numbers.items() if number is not None)
        for decimal, numbers in read.items()
    }
    if not any(totals.values()):
        return None
    first, second = (",", ".") if prior == "," else (".", ",")
    decimal = second if totals[second] > totals[first] else first
    units: Counter[str] = Counter()
    for text, number in read[decimal].items():
        if number is not None:
            units[number.unit] += counts[text]
    named = Counter({unit: n for unit, n in units.items() if unit})
    unit = named.most_common(1)[0][0] if named else ""
    others = {each: n for each, n in named.items() if each != unit}
    n_read = totals[decimal] - sum(others.values())
    return NumberForm(decimal, unit, n_read, named[unit], others)


def number_values(texts: list[str], form: Mapping[str, Any]) -> np.ndarray:
    """Read cells by a form: ``decimal``, and the ``unit`` that may stand beside a number.

    Parameters
    ----------
    texts : list of str
        Without blanks at their ends.
    form : mapping

    Returns
    -------
    ndarray of float64, shape (n_texts,)
        NaN where a cell is no number of this form.
    """
    decimal, unit = form.get("decimal", "."), form.get("unit", "")
    return np.array([_number_value(text, decimal, unit) for text in texts], dtype=float)


def _number_value(text: str, decimal: str, unit: str) -> float:
    if PLAIN.fullmatch(text) and decimal == ".":
        return float(text)
    if INFINITE.fullmatch(text):
        return float(text)
    number = parse_number(text, decimal)
    return number.value if number is not None and number.unit in ("", unit) else np.nan


def clock_seconds(texts: list[str]) -> np.ndarray:
    """Read times of day and durations as seconds; NaN where a cell is none.

    Examples
    --------
    >>> clock_seconds(["14:35", "02:35 PM", "00:00:01.5", "14h"]).tolist()
    [52500.0, 52500.0, 1.5, nan]
    """
    return np.array([_clock_seconds(CLOCK.fullmatch(text)) for text in texts], dtype=float)


def _clock_seconds(found: re.Match[str] | None) -> float:
    if found is None:
        return np.nan
    hours = int(found[1])
    if found[5]:
        if not 1 <= hours <= 12:
            return np.nan
        hours = hours % 12 + 12 * (found[5] in "Pp")
    return hours * 3600 + int(found[2]) * 60 + float(f"{found[3] or 0}.{found[4] or 0}")

"""Which text beside a number is a unit, and may be shown; any other may be a name."""

from __future__ import annotations

import re

from realmix.tasks.core.table.numbers_as_written import CURRENCY

# Without the s of the plural; short symbols need not be listed.
WORDS = frozenset(
    ("millisecond", "second", "minute", "hour", "day", "night", "week", "month", "quarter", "year", "milligram",
     "gram", "kilogram", "tonne", "pound", "ounce", "millimeter", "millimetre", "centimeter", "centimetre", "meter",
     "metre", "kilometer", "kilometre", "inch", "inche", "feet", "foot", "yard", "mile", "liter", "litre", "gallon",
     "degree", "celsiu", "percent", "point", "piece", "unit", "item", "room", "person", "people", "star", "euro",
     "dollar", "watt", "volt", "byte", "bit", "mbit", "gbit", "kcal", "std", "stk", "sekunden", "minuten", "stunde",
     "stunden", "tag", "tage", "woche", "wochen", "monat", "monate", "jahr", "jahre", "stück", "prozent", "gramm",
     "zimmer", "personen", "heure", "jour", "moi", "an", "année", "hora", "día", "mese", "año")
)  # fmt: skip
SINGLE = frozenset("mgshlLWVCFKtdcyw")
MAX_SYMBOL = 4
MIN_NAME = 3
PARTS = re.compile(r"[^\W\d_]+")


def is_unit(text: str) -> bool:
    """Check whether what stands beside a number is a currency, a unit or a short symbol.

    Examples
    --------
    >>> [is_unit(text) for text in ("kg", "€", "km/h", "°C", "Hours", "Smith", "Lee", "A")]
    [True, True, True, True, True, False, False, False]
    """
    if re.fullmatch(CURRENCY, text):
        return True
    parts = PARTS.findall(text)
    return text in SINGLE if text.isalpha() and len(text) == 1 else all(map(_is_part, parts))


def _is_part(word: str) -> bool:
    if word.lower().removesuffix("s") in WORDS:
        return True
    # Lee and Anna are names, kWh and USD are none.
    return len(word) < MIN_NAME or (len(word) <= MAX_SYMBOL and not word.istitle())

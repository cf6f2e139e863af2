"""Words and signs that stand for a missing cell.

A shipped model contains a copy of this file, so it imports nothing.
"""

from __future__ import annotations

# No word of any language: missing wherever they stand, also among texts. "?" is UCI's marker, \N is MySQL's.
SIGNS = frozenset(
    (
        "?",
        "\\N",
        "#N/A",
        "#NA",
        "#DIV/0!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "<NA>",
        "#N/A N/A",
    )
)
# Missing among numbers, dates and truth values. Among texts they are levels: NA is Namibia, None is no garage.
ABBREVIATIONS = frozenset(
    ("na", "n/a", "nan", "null", "none", "nil", "n.a.", "n.a", "-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
     "nat", "k.a.", "k. a.", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", ":", "*", "**", "/", "_", "x", "#", "nd", "n.d.", "n/d")
)  # fmt: skip
WORDS = frozenset(
    ("unknown", "missing", "unk", "not available", "not applicable", "not known", "unbekannt", "fehlt",
     "inconnu", "desconocido", "undefined", "void", "blank", "empty", "(null)", "[null]", "(blank)", "(empty)", "no data",
     "nodata", "not recorded", "not reported", "not specified", "unspecified", "tbd")
)  # fmt: skip
ZERO_DATES = frozenset(("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000"))


def is_marker(text: str) -> bool:
    """Check whether a cell among numbers, dates or truth values stands for a missing one.

    Examples
    --------
    >>> [is_marker(text) for text in ("NA", "#DIV/0!", "Unknown", "0")]
    [True, True, True, False]
    """
    return text in SIGNS or text.lower() in ABBREVIATIONS or is_word(text)


def is_word(text: str) -> bool:
    """Check whether a marker is a plain word, which may be a level of its own beside one or two numbers."""
    return text.lower() in WORDS

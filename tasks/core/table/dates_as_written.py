"""Dates as people and programs write them: the order of day and month is found per column.

A shipped model contains a copy of this file, so it imports public libraries only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

# First letters of month names in English, German, French, Spanish, Italian, Portuguese and Dutch.
MONTHS = {
    **dict.fromkeys(("jan", "jän", "ene", "gen"), 1),
    **dict.fromkeys(("feb", "fév", "fev"), 2),
    **dict.fromkeys(("mar", "mär", "mrz", "mrt", "maa"), 3),
    **dict.fromkeys(("apr", "avr", "abr"), 4),
    **dict.fromkeys(("may", "mai", "mag", "mei"), 5),
    **dict.fromkeys(("jun", "juin", "giu"), 6),
    **dict.fromkeys(("jul", "juil", "lug"), 7),
    **dict.fromkeys(("aug", "aoû", "aou", "ago"), 8),
    **dict.fromkeys(("sep", "set"), 9),
    **dict.fromkeys(("oct", "okt", "ott", "out"), 10),
    **dict.fromkeys(("nov",), 11),
    **dict.fromkeys(("dec", "dez", "déc", "dic"), 12),
}
TIME = (
    r"(?:(?:[T ]|,\s?|\s-\s)\s*(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s?(?P<ap>[AaPp])\.?[Mm]\.?)?\s?(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
MONTH = r"(?P<name>[^\W\d_]{3,10})\.?"
YEAR = r"(?P<y>\d{4}|'?\d{2})"
SHAPES = {
    "year first": r"(?P<y>\d{4})(?P<s>[-/.])(?P<a>\d{1,2})(?P=s)(?P<b>\d{1,2})" + TIME,
    "numbers": r"(?P<a>\d{1,2})(?P<s>[-/. ])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})" + TIME,
    "day, month name": WEEKDAY
    + r"(?P<b>\d{1,2})(?:st|nd|rd|th)?(?:[-/. ]|\.\s|\sde\s|\sof\s)"
    + MONTH
    + r"(?:[-/.\s]|,\s|\sde\s)"
    + YEAR
    + TIME,
    "month name, day": WEEKDAY + MONTH + r"[-\s](?P<b>\d{1,2})(?:st|nd|rd|th)?(?:,?\s|-)" + YEAR + TIME,
    "compact": r"(?P<y>\d{4})(?P<a>\d{2})(?P<b>\d{2})(?:[T ]?(?P<H>\d{2}):?(?P<M>\d{2})(?::?(?P<S>\d{2}))?(?P<z>Z)?)?",
    "year, month": r"(?P<y>\d{4})[-/](?P<a>\d{1,2})",
    "month, year": r"(?P<a>\d{1,2})[-/.](?P<y>\d{4})",
    "month name, year": MONTH + r"[-/.\s]" + YEAR,
}
DATE_PATTERNS = {name: re.compile(pattern) for name, pattern in SHAPES.items()}
HAS_ZONE = r"(?:[Zz]|[+-]\d{2}(?::?\d{2})?)\s*$"
ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[ T].*)?")
ZERO_DATE = re.compile(r"0000-00-00(?:[ T][0:.]+)?")
YEARS = (1000, 9999)
EPOCH = datetime.datetime(1970, 1, 1)
# A year of two digits from here on is of the last century, as in POSIX.
CENTURY_TURN = 69


def seconds_since_1970(values: pd.Series) -> pd.Series:
    """Convert dates to seconds since 1970 (UTC); cells that are no ISO date become NaN.

    Every cell is read by itself: a moment without an offset is in UTC, whatever stands before it.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Timestamps, or text such as 2026-01-31, 2026-01-31T10:00 or 2026-01-31 10:00:00+02:00.

    Returns
    -------
    Series of float, shape (n_rows,)

    Examples
    --------
    >>> seconds_since_1970(pd.Series(["1970-01-01T02:00+01:00", "1970-01-01T02:00", "9999-12-31", "soon"])).tolist()
    [3600.0, 7200.0, 253402214400.0, nan]
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return _seconds_of(values)
    codes, distinct = pd.factorize(values.astype(object))
    texts = pd.Series(distinct, dtype=object)
    # pandas gives a moment without an offset the offset of the one before it: these are read apart.
    has_zone = texts.astype(str).str.contains(HAS_ZONE)
    seconds = np.full(len(texts) + 1, np.nan)
    for part in (has_zone.to_numpy(), ~has_zone.to_numpy()):
        seconds[:-1][part] = _iso_seconds(texts[part])
    return pd.Series(seconds[codes], index=values.index, name=values.name)


def _iso_seconds(texts: pd.Series) -> np.ndarray:
    parsed = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
    seconds = _seconds_of(parsed).to_numpy(copy=True)
    # Dates beyond the years that nanoseconds can count.
    for place in np.flatnonzero(np.isnan(seconds)):
        text = str(texts.iloc[place]).strip()
        seconds[place] = _parse_date(text, "ymd") if ISO.fullmatch(text) else np.nan
    return seconds


def _seconds_of(moments: pd.Series) -> pd.Series:
    if getattr(moments.dtype, "tz", None) is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    if moments.dtype == "datetime64[ns]":
        return ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).astype(float)
    micros = moments.to_numpy().astype("datetime64[us]").astype("int64") / 1e6
    return pd.Series(micros, index=moments.index, name=moments.name).where(moments.notna())


def as_moments(values: pd.Series) -> pd.Series:
    """Convert dates to timestamps without zone (UTC); cells that are no date become missing."""
    return moments_of(seconds_since_1970(values))


def moments_of(seconds: pd.Series) -> pd.Series:
    """Convert seconds since 1970 to timestamps without zone: in nanoseconds where their range suffices.

    Examples
    --------
    >>> moments_of(pd.Series([0.5, float("nan"), 253402214400.0])).astype(str).tolist()
    ['1970-01-01 00:00:00.500', 'NaT', '9999-12-31 00:00:00.000']
    """
    micros = (seconds.fillna(0) * 1e6).round().to_numpy().astype("int64").astype("datetime64[us]")
    moments = pd.Series(micros, index=seconds.index, name=seconds.name).where(seconds.notna())
    reaches = moments.min() >= pd.Timestamp.min and moments.max() <= pd.Timestamp.max
    return moments.astype("datetime64[ns]") if reaches or seconds.isna().all() else moments


def find_date_order(counts: Mapping[str, int]) -> tuple[str, int, dict[str, int]]:
    """Find in which order a column writes day and month.

    Parameters
    ----------
    counts : mapping of text to number of cells

    Returns
    -------
    order : {"dmy", "mdy", ""}
        Order that reads more cells; empty if both read the same cells to different days.
    n_read : int
        Cells that it reads.
    only : dict of order to int
        Cells that only this order reads.

    Examples
    --------
    >>> find_date_order({"31/01/2024": 1, "05/02/2024": 4})
    ('dmy', 5, {'dmy': 1, 'mdy': 0})
    >>> find_date_order({"01/02/2024": 9, "05/02/2024": 4})[0]
    ''
    """
    only, n_read, n_ambiguous = {"dmy": 0, "mdy": 0}, 0, 0
    totals = {"dmy": 0, "mdy": 0}
    for text, n in counts.items():
        read = {order: _parse_date(text, order) for order in totals}
        is_read = {order: not np.isnan(seconds) for order, seconds in read.items()}
        for order, other in (("dmy", "mdy"), ("mdy", "dmy")):
            totals[order] += n * is_read[order]
            only[order] += n * (is_read[order] and not is_read[other])
        n_ambiguous += n * (all(is_read.values()) and read["dmy"] != read["mdy"])
    order = "mdy" if only["mdy"] > only["dmy"] else "dmy"
    n_read = totals[order]
    return ("" if n_ambiguous and not only[order] else order), n_read, only


def date_values(texts: list[str], form: Mapping[str, Any]) -> np.ndarray:
    """Read cells as seconds since 1970, by the ``order`` of a form; NaN where a cell is no date.

    Examples
    --------
    >>> date_values(["05/01/1970", "January 2, 1970", "02-Jan-70", "19700102", "n/a"], {"order": "dmy"}).tolist()
    [345600.0, 86400.0, 86400.0, 86400.0, nan]
    """
    return np.array([_parse_date(text, form.get("order", "dmy")) for text in texts], dtype=float)


def iso_texts(seconds: np.ndarray) -> np.ndarray:
    """Write seconds since 1970 as ISO dates, with a time where any cell has one; None for NaN."""
    is_known = ~np.isnan(seconds)
    moments = np.round(np.where(is_known, seconds, 0) * 1e6).astype("int64").astype("datetime64[us]")
    units: tuple[Literal["D", "s", "us"], ...] = ("D", "s", "us")
    unit = next((u for u in units if (moments == moments.astype(f"datetime64[{u}]")).all()), units[-1])
    texts: np.ndarray = np.array(
        [str(np.datetime_as_string(each, unit=unit)) for each in moments], dtype=object
    )
    texts[~is_known] = None
    return texts


def _parse_date(text: str, order: str) -> float:
    """Return the seconds since 1970 of one written date; NaN if it is none."""
    for name, pattern in DATE_PATTERNS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            return _written_seconds(name, found, order)
    return float("nan")


def _written_seconds(shape: str, found: re.Match[str], order: str) -> float:
    parts = found.groupdict()
    year, first, second = _year(parts["y"]), _month(parts), int(parts.get("b") or 1)
    if shape == "numbers" and order == "ymd":
        return float("nan")
    if shape == "numbers":
        # Two short numbers and a short year with points may be a version: 1.2.10.
        if parts["s"] == "." and len(parts["y"]) == 2 and len(parts["a"] + parts["b"]) < 4:
            return float("nan")
        first, second = (first, second) if order == "mdy" else (second, first)
    try:
        day = datetime.datetime(year, first, second, *_time(parts))
    except ValueError:
        return float("nan")
    if not YEARS[0] <= year <= YEARS[1]:
        return float("nan")
    fraction = float(f"0.{parts.get('f') or 0}")
    return (day - EPOCH).total_seconds() + fraction - _offset(parts.get("z") or "")


def _year(text: str) -> int:
    year = int(text.lstrip("'"))
    return year if len(text.lstrip("'")) == 4 else year + (1900 if year >= CENTURY_TURN else 2000)


def _month(parts: Mapping[str, str | None]) -> int:
    name = (parts.get("name") or "").lower()
    if not name:
        return int(parts["a"] or 1)
    return MONTHS.get(name[:4], MONTHS.get(name[:3], 0))


def _time(parts: Mapping[str, str | None]) -> tuple[int, int, int]:
    hour, minute, second = (int(parts.get(part) or 0) for part in "HMS")
    if parts.get("ap"):
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * ((parts["ap"] or "") in "Pp")
    return hour, minute, second


def _offset(zone: str) -> float:
    if not zone or zone[0] not in "+-":
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)

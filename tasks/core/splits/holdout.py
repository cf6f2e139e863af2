"""Holdout by a stable hash.

A row's side must not depend on the dtype of its column: a new cell can turn integers into
floats and numbers into text. So cells are hashed by value: 1, 1.0, True and "1" are one value,
and so are all missing cells.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.folds import strata
from realmix.tasks.core.table.limits import MIN_HOLDOUT_CLASS_ROWS, MIN_HOLDOUT_ROWS, MIN_TIMES
from realmix.tasks.core.table.schema import Schema

HOLDOUT_FRACTION = 0.2
N_SALTS = 64
# Bits of a fraction that count: the last ones depend on the parser of its text.
FRACTION_BITS = 40
MISSING_HASH = np.uint64(0x6D697373696E6721)
TRUTH_WORDS = {word: float(word == "true") for word in ("true", "false")}


@dataclass(frozen=True)
class HoldoutRule:
    """Rule that assigns rows to the holdout; frozen when a table is first seen.

    Attributes
    ----------
    salt : int
    fraction : float
        Share of units in the holdout, in (0, 1); 0 without a holdout.
    columns : tuple of str
        Columns hashed if the table has neither group nor key: the features known when the
        table was first seen, so that a new column moves no row.
    cutoff : float or None
        For tables ordered in time: rows later than this are the holdout.
    """

    salt: int
    fraction: Annotated[float, Field(ge=0, lt=1)]
    columns: tuple[str, ...]
    cutoff: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> HoldoutRule:
        """Build a rule from what :meth:`to_dict` returned."""
        return cls(data["salt"], data["fraction"], tuple(data["columns"]), data["cutoff"])


def hash_units(raw: pd.DataFrame, schema: Schema, columns: Sequence[str]) -> np.ndarray:
    """Hash the unit of each row: its group, else its key, else its frozen columns.

    The target is never hashed, so rows that differ only in a corrected label stay together.
    Of the schema only the roles count: inferred types change as a table grows.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    columns : sequence of str
        Columns to hash without a group or key; they need not be features.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)

    Raises
    ------
    BadInput
        If a column is not in the table.
    """
    unit = schema.with_role("group") or schema.with_role("key")
    hashed = [unit] if unit else list(columns)
    lost = [name for name in hashed if name not in raw.columns]
    if lost:
        raise BadInput(
            f"The holdout was frozen over columns that the table lacks: {', '.join(lost)}. "
            "Add these columns, or start a new study without the earlier plan."
        )
    cells = pd.DataFrame({place: hash_cells(raw[name]) for place, name in enumerate(hashed)})
    return pd.util.hash_pandas_object(cells, index=False).to_numpy()


def hash_cells(values: pd.Series) -> np.ndarray:
    """Hash each cell by its value, whatever its dtype.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Numbers, truth values, moments or text.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)

    Examples
    --------
    >>> hashes = [hash_cells(pd.Series([cell]))[0] for cell in (1, 1.0, True, "1", "1.0", 2)]
    >>> [int(each == hashes[0]) for each in hashes]
    [1, 1, 1, 1, 1, 0]
    """
    if pd.api.types.is_numeric_dtype(values):
        return _hash_numbers(values.to_numpy(dtype=float, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(values):
        codes, distinct = pd.factorize(values)
        hashed = pd.util.hash_array(_moment_texts(pd.DatetimeIndex(distinct)), categorize=False)
    else:
        codes, distinct = pd.factorize(values.astype(object).to_numpy())
        hashed = _hash_texts(pd.Series(distinct, dtype=object))
    return np.append(hashed, MISSING_HASH)[codes]  # code -1, a missing cell, is the last one


def _hash_numbers(numbers: np.ndarray) -> np.ndarray:
    whole = np.isnan(numbers) | np.isinf(numbers) | (np.floor(numbers) == numbers)
    with np.errstate(invalid="ignore", over="ignore"):
        mantissa, exponent = np.frexp(numbers)
        rounded = np.ldexp(np.round(np.ldexp(mantissa, FRACTION_BITS)), exponent - FRACTION_BITS)
    canonical = np.where(whole, numbers, rounded) + 0.0  # -0.0 and 0.0 are one value
    hashed = pd.util.hash_array(canonical)
    return np.where(np.isnan(numbers), MISSING_HASH, hashed)


def _hash_texts(distinct: pd.Series) -> np.ndarray:
    """Hash distinct present values; text that is a number is hashed as that number."""
    texts = distinct.astype(str).str.strip()
    is_number = pd.to_numeric(texts, errors="coerce").notna()
    # pandas' own parser is fast but wrong in the last digits of a long number.
    numbers = texts.where(is_number).map(_exact_number).to_numpy(dtype=float)
    truths = texts.str.lower().map(TRUTH_WORDS).to_numpy(dtype=float)
    numbers = np.where(np.isnan(numbers), truths, numbers)
    hashed = pd.util.hash_array(texts.to_numpy(dtype=object), categorize=False)
    return np.where(np.isnan(numbers), hashed, _hash_numbers(numbers))


def _exact_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _moment_texts(stamps: pd.DatetimeIndex) -> np.ndarray:
    """Format moments as the shortest ISO 8601 in UTC: 2026-01-31, 2026-01-31T10:00:00."""
    stamps = stamps.tz_convert("UTC").tz_localize(None) if stamps.tz is not None else stamps
    moments = stamps.to_numpy().astype("datetime64[us]")
    texts = np.empty(len(moments), dtype=object)
    is_second = moments == moments.astype("datetime64[s]")
    is_day = moments == moments.astype("datetime64[D]")
    texts[is_day] = np.datetime_as_string(moments[is_day], unit="D")
    texts[is_second & ~is_day] = np.datetime_as_string(moments[is_second & ~is_day], unit="s")
    texts[~is_second] = np.char.rstrip(np.datetime_as_string(moments[~is_second], unit="us"), "0")
    return texts


def uniform_from_hash(units: np.ndarray, salt: int) -> np.ndarray:
    """Map hashed units evenly to [0, 1), differently for every salt.

    Uses the finaliser of SplitMix64 (Steele, Lea, Flood 2014).

    Examples
    --------
    >>> units = np.arange(3, dtype=np.uint64)
    >>> np.round(uniform_from_hash(units, 1), 2).tolist() == np.round(uniform_from_hash(units, 2), 2).tolist()
    False
    """
    with np.errstate(over="ignore"):
        z = units + np.uint64(derive_seed("salt", salt)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(float) / float(1 << 53)


def register_holdout(raw: pd.DataFrame, schema: Schema) -> HoldoutRule:
    """Choose the holdout rule of a table that is seen for the first time.

    Of 64 salts the one whose holdout has the most even classes (or target quantiles); for
    tables with a time column, about the last fifth of the rows: at least the latest of
    `MIN_TIMES` or more distinct times, and never so many that fewer than three are left.
    """
    columns = tuple(schema.feature_names)
    time = schema.with_role("time")
    if time:
        cutoff = _cutoff(schema.canonical_columns(raw, [time])[time].to_numpy())
        return HoldoutRule(0, HOLDOUT_FRACTION, columns, cutoff)
    units = hash_units(raw, schema, columns)
    target = schema.canonical_columns(raw, [schema.target])
    labels = strata(schema.encode_target(target), schema.task)
    imbalance = [_imbalance(labels, uniform_from_hash(units, salt)) for salt in range(N_SALTS)]
    return HoldoutRule(int(np.argmin(imbalance)), HOLDOUT_FRACTION, columns)


def holdout_side(raw: pd.DataFrame, schema: Schema, rule: HoldoutRule) -> np.ndarray:
    """Return which rows are in the holdout.

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Raises
    ------
    BadInput
        If the rule needs a time column and the card declares none, or the reverse, or if a
        hashed column is missing.
    """
    time = schema.with_role("time")
    if (rule.cutoff is None) != (time is None):
        raise BadInput(
            f"The holdout was frozen {'by hash' if rule.cutoff is None else 'in time'} but the card declares "
            f"{'the time column ' + repr(time) if time else 'no time column'}. "
            "Correct `time` in the card, or start a new study without the earlier plan."
        )
    if time:
        return (schema.canonical_columns(raw, [time])[time] > rule.cutoff).to_numpy()
    units = hash_units(raw, schema, rule.columns)
    return uniform_from_hash(units, rule.salt) < rule.fraction


def why_no_holdout(y: np.ndarray, schema: Schema) -> str | None:
    """Return why a holdout of these rows would be too small to use, or None.

    Parameters
    ----------
    y : ndarray of shape (n_holdout,)
        Encoded targets of the holdout rows.
    """
    if len(y) < MIN_HOLDOUT_ROWS:
        return f"the holdout would have {len(y)} rows, fewer than {MIN_HOLDOUT_ROWS}"
    if schema.is_classification:
        counts = np.bincount(y, minlength=len(schema.classes))
        if counts.min() < MIN_HOLDOUT_CLASS_ROWS:
            rare = schema.classes[int(counts.argmin())]
            return (
                f"the holdout would have {counts.min()} rows of class '{rare}', "
                f"fewer than {MIN_HOLDOUT_CLASS_ROWS}"
            )
    return None


def _cutoff(moments: np.ndarray) -> float:
    """Return the time after which about a fifth of the rows lie, some on either side."""
    times, counts = np.unique(moments, return_counts=True)
    later = 1 - np.cumsum(counts) / len(moments)
    allowed = slice(MIN_TIMES - 2, len(times) - 1)
    nearest = np.argmin(np.abs(later[allowed] - HOLDOUT_FRACTION))
    return float(times[allowed][nearest])


def _imbalance(labels: np.ndarray, position: np.ndarray) -> float:
    """Return the largest gap between a stratum's share in the holdout and in the table."""
    is_holdout = position < HOLDOUT_FRACTION
    if not is_holdout.any():
        return np.inf
    everywhere = np.bincount(labels) / len(labels)
    inside = np.bincount(labels[is_holdout], minlength=len(everywhere)) / is_holdout.sum()
    return float(np.abs(inside - everywhere).max() + abs(is_holdout.mean() - HOLDOUT_FRACTION))

"""One column of a table: what its values mean, how the file stores them, and conversion both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.dates_as_written import as_moments, moments_of, seconds_since_1970
from realmix.tasks.core.table.served_rows import BOOLEAN_TEXTS, as_strings

Kind = Literal["numeric", "categorical", "datetime", "identifier", "text", "constant", "empty"]
RawType = Literal["integer", "float", "string", "boolean", "datetime"]
Role = Literal["feature", "target", "key", "time", "group", "weight", "ignored"]

MODELLED_KINDS = ("numeric", "categorical", "datetime")
# Truth values as text files write them; others (yes and no, 1 and 0) are levels.
TRUTHS = {text: text.lower() == "true" for text in BOOLEAN_TEXTS if isinstance(text, str)}


@dataclass(frozen=True)
class Column:
    """Kind, storage type, role and range of one column of the file.

    Attributes
    ----------
    name : str
    kind : Kind
        What the values mean; only numeric, categorical and datetime are modelled.
    raw_type : RawType
        How the file stores them; :meth:`Schema.restore` converts back to it.
    role : Role
    levels : tuple of str
        Category levels in order; empty for other kinds.
    has_missing : bool
    minimum, maximum : float or None
        Range of numbers, and of dates in seconds since 1970.
    """

    name: str
    kind: Kind
    raw_type: RawType
    role: Role = "feature"
    levels: tuple[str, ...] = ()
    has_missing: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_feature(self) -> bool:
        """True for columns that models see, the target apart."""
        return self.role in ("feature", "time") and self.kind in MODELLED_KINDS

    @property
    def is_categorical(self) -> bool:
        """True for columns of category levels."""
        return self.kind == "categorical"

    @property
    def is_integer(self) -> bool:
        """True for whole numbers."""
        return self.kind == "numeric" and self.raw_type == "integer"


def raw_type_of(values: pd.Series) -> RawType:
    """Return the type in which the file stores a column."""
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "datetime"
    if pd.api.types.is_integer_dtype(values):
        return "integer"
    if pd.api.types.is_numeric_dtype(values):
        present = values.dropna().astype(float)
        # Integers with missing cells are read as floats; all-missing columns stay floats.
        return "integer" if len(present) and bool((present % 1 == 0).all()) else "float"
    return "boolean" if pd.api.types.infer_dtype(values, skipna=True) == "boolean" else "string"


def as_dates(values: pd.Series) -> pd.Series:
    """Convert dates to seconds since 1970; text that is not a date becomes missing."""
    return seconds_since_1970(values)


def canonical(values: pd.Series, column: Column) -> pd.Series:
    """Convert cells of the file to canonical types.

    Raises
    ------
    BadInput
        If a number column holds text.
    """
    if column.kind == "datetime":
        return as_dates(values)
    if column.kind == "numeric":
        try:
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            return pd.Series(numbers, index=values.index, name=values.name)
        except (TypeError, ValueError) as err:
            raise BadInput(
                f"Column '{column.name}' holds text where the schema expects numbers. "
                "Correct the cells, or declare the column categorical in the card."
            ) from err
    return as_strings(values, column.raw_type)


def restored(values: pd.Series, column: Column) -> pd.Series:
    """Convert canonical cells to the type of the file."""
    if column.kind == "datetime":
        moments = moments_of(values)
        if column.raw_type == "datetime":
            return moments
        return moments.dt.strftime("%Y-%m-%dT%H:%M:%S").astype(object).where(moments.notna(), None)
    if column.kind == "numeric":
        return values.round().astype("Int64") if column.is_integer else values.astype(float)
    return _typed(values, column)


def restored_constant(values: pd.Series, column: Column) -> pd.Series:
    """Convert the only value of a constant column to the type of the file."""
    if column.kind == "datetime" or column.raw_type == "datetime":
        return as_moments(values)
    return _typed(values, column)


def _typed(values: pd.Series, column: Column) -> pd.Series:
    """Convert the text of category levels to the type of the file."""
    if column.raw_type == "integer":
        return values.astype(float).astype("Int64")
    if column.raw_type == "float":
        return values.astype(float)
    if column.raw_type == "boolean":
        return values.map({"True": True, "False": False}).astype("boolean")
    return values.astype(object)


def aligned(values: pd.Series, reference: pd.Series, column: Column) -> pd.Series:
    """Restrict synthetic cells to the levels, range and whole numbers of the real ones."""
    if column.is_categorical:
        known = set(reference.dropna())
        text = values.astype(object).where(values.notna(), None)
        return text.where(text.isin(known), None)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    numbers = numbers.replace([np.inf, -np.inf], np.nan).clip(reference.min(), reference.max())
    if column.role != "target" and not reference.isna().any():
        numbers = numbers.fillna(reference.median())
    return numbers.round() if column.is_integer else numbers

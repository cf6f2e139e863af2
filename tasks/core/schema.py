"""One frozen schema, applied alike to real, synthetic and holdout rows.

A *canonical* frame holds the modelled columns only (features, then the target): numbers and
dates as float64 with NaN for missing, everything else as ``object`` strings with None for
missing. All computing happens on canonical frames; :meth:`Schema.restore` gives back the
types of the file.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tasks.core.errors import BadInput

Kind = Literal["numeric", "categorical", "datetime", "identifier", "text", "constant", "empty"]
RawType = Literal["integer", "float", "string", "boolean", "datetime"]
Role = Literal["feature", "target", "key", "time", "group", "weight", "ignored"]
Task = Literal["binary", "multiclass", "regression"]

MODELLED_KINDS = ("numeric", "categorical", "datetime")
# What rises with time has an order and a distance, however few or many its values are.
TIME_KINDS = ("numeric", "datetime")
# An integer target with more distinct values than this is a quantity, not a set of classes.
MAX_INTEGER_CLASSES = 10
# Below this many rows a column of distinct strings may still be a small set of names.
MIN_IDENTIFIER_ROWS = 50
IDENTIFIER_NAME = re.compile(r"(^|_)(id|uuid|guid|index|rownames?|key)(_|$)|^unnamed", re.IGNORECASE)
# The same two values as Python, numpy, a count and a text file write them.
BOOLEAN_TEXTS: dict[Any, str] = {True: "True", False: "False"} | {
    text: word for word in ("True", "False") for text in (word, word.lower(), word.upper())
}
POSITIVE_WORDS = ("1", "true", "yes", "y", "t", "positive", "pos")


@dataclass(frozen=True)
class Column:
    """What is known of one column of the file.

    Attributes
    ----------
    name : str
    kind : Kind
        What the values mean; only numeric, categorical and datetime are modelled.
    raw_type : RawType
        How the file stores them, so that :meth:`Schema.restore` can give it back.
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
        return self.role in ("feature", "time") and self.kind in MODELLED_KINDS

    @property
    def is_categorical(self) -> bool:
        return self.kind == "categorical"

    @property
    def is_integer(self) -> bool:
        return self.kind == "numeric" and self.raw_type == "integer"


@dataclass(frozen=True)
class Schema:
    """Types, levels, ranges and roles of a table, fixed once per study.

    Attributes
    ----------
    columns : tuple of Column
        In the order of the file.
    target : str
    task : {"binary", "multiclass", "regression"}
    classes : tuple of str
        Class labels, the negative before the positive one; empty for regression.
    """

    columns: tuple[Column, ...]
    target: str
    task: Task
    classes: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.is_feature)

    @property
    def feature_names(self) -> list[str]:
        return [c.name for c in self.features]

    @property
    def modelled(self) -> tuple[Column, ...]:
        """Features, then the target: the columns of a canonical frame."""
        return (*self.features, self[self.target])

    @property
    def is_classification(self) -> bool:
        return self.task != "regression"

    @property
    def positive(self) -> str | None:
        return self.classes[-1] if self.task == "binary" else None

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def with_role(self, role: Role) -> str | None:
        """Name of the column in this role, if there is one."""
        return next((c.name for c in self.columns if c.role == role), None)

    def apply(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Turn rows of the file into a canonical frame.

        Parameters
        ----------
        raw : DataFrame of shape (n_rows, n_columns)
            Must hold every feature; the target may be absent. Other columns are left out.

        Returns
        -------
        DataFrame of shape (n_rows, n_modelled)
            Same index. Levels never seen before are kept: models make them missing.

        Raises
        ------
        BadInput
            If a feature is missing or a number column holds text.
        """
        lost = [c.name for c in self.features if c.name not in raw.columns]
        if lost:
            raise BadInput(
                f"Columns {lost} are missing from the table: the schema expects "
                f"{self.feature_names}. Add them, or start a new study without them."
            )
        wanted = [c for c in self.modelled if c.name in raw.columns]
        data = {c.name: _canonical(raw[c.name], c) for c in wanted}
        return pd.DataFrame(data, index=raw.index)

    def canonical_columns(self, raw: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
        """Named columns of the file in canonical types, modelled or not.

        Parameters
        ----------
        raw : DataFrame of shape (n_rows, n_columns)
        names : sequence of str
            Columns that models do not see are numbers where they are of a numeric or date kind,
            otherwise text.

        Returns
        -------
        DataFrame of shape (n_rows, n_names)
        """
        return pd.DataFrame({name: _canonical(raw[name], self[name]) for name in names}, index=raw.index)

    def restore(self, canonical: pd.DataFrame) -> pd.DataFrame:
        """Give canonical rows the columns, order and types of the file.

        Columns that are not modelled (keys, free text, constants) come back as missing,
        except constants, which keep their only value.
        """
        data = {}
        for column in self.columns:
            if column.name in canonical.columns:
                data[column.name] = _restored(canonical[column.name], column)
            else:
                value = column.levels[0] if column.kind == "constant" and column.levels else None
                values = pd.Series([value] * len(canonical), index=canonical.index, dtype=object)
                data[column.name] = _restored_constant(values, column)
        return pd.DataFrame(data, index=canonical.index)

    def align(self, synthetic: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
        """Fit synthetic rows to the real ones in features, types, levels and ranges.

        Parameters
        ----------
        synthetic : DataFrame of shape (n_synthetic, >= n_modelled)
            Whatever a synthesizer gave.
        reference : DataFrame of shape (n_real, n_modelled)
            The real training rows: numbers are clipped to their range, rounded where
            they hold integers only; levels they do not hold become missing.

        Returns
        -------
        DataFrame of shape (n_synthetic, n_modelled)
            Canonical, with a fresh index. Rows whose target is missing or of an unknown
            class are dropped: the caller counts what was kept.
        """
        data = {c.name: _aligned(synthetic[c.name], reference[c.name], c) for c in self.modelled}
        frame = pd.DataFrame(data).reset_index(drop=True)
        return frame[frame[self.target].notna()].reset_index(drop=True)

    def encode_target(self, canonical: pd.DataFrame) -> np.ndarray:
        """Class codes (int) in the order of `classes`, or the numbers (float).

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        y = canonical[self.target]
        if not self.is_classification:
            return y.to_numpy(dtype=float)
        codes = {label: code for code, label in enumerate(self.classes)}
        return y.map(codes).to_numpy(dtype=int)

    def one_hot_target(self, canonical: pd.DataFrame) -> np.ndarray:
        """Targets as the models take them.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or (n_rows,)
            One column per class; the numbers themselves for regression.
        """
        y = self.encode_target(canonical)
        return np.eye(len(self.classes))[y] if self.is_classification else y

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        columns = tuple(Column(**{**c, "levels": tuple(c["levels"])}) for c in data["columns"])
        return cls(columns, data["target"], data["task"], tuple(data["classes"]))


def infer_schema(
    raw: pd.DataFrame,
    target: str,
    *,
    task: Task | None = None,
    positive: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
    roles: Mapping[str, Role] | None = None,
) -> Schema:
    """Infer the schema of a table; what the card declares wins.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    target : str
        Column to predict.
    task, positive : optional
        Inferred when None: text and at most `MAX_INTEGER_CLASSES` distinct integers are
        classes, other numbers a regression; the positive class is the one that reads like
        "yes", else the rarer one.
    kinds, roles : mapping of column name to kind or role, optional
        Declared in the data card.

    Raises
    ------
    BadInput
        If the declared positive class is not among the classes.

    Examples
    --------
    >>> raw = pd.DataFrame({"age": [30, 41, 52], "bought": ["no", "yes", "no"]})
    >>> schema = infer_schema(raw, "bought")
    >>> schema.task, schema.classes, schema["age"].raw_type
    ('binary', ('no', 'yes'), 'integer')
    """
    kinds, roles = dict(kinds or {}), dict(roles or {})
    roles[target] = "target"
    task = task or infer_task(raw[target])
    kinds[target] = "numeric" if task == "regression" else "categorical"
    columns = tuple(
        _infer_column(raw[name], kinds.get(name), roles.get(name, "feature")) for name in raw.columns
    )
    classes = _ordered_classes(raw[target], columns, target, task, positive)
    return Schema(columns, target, task, classes)


def infer_task(target: pd.Series) -> Task:
    """Say what kind of prediction the target asks for."""
    values = target.dropna()
    n_unique = values.nunique()
    if n_unique == 2:
        return "binary"
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        whole = bool((values.astype(float) % 1 == 0).all())
        return "multiclass" if whole and n_unique <= MAX_INTEGER_CLASSES else "regression"
    return "multiclass"


def _ordered_classes(
    values: pd.Series, columns: Sequence[Column], target: str, task: Task, positive: str | None
) -> tuple[str, ...]:
    if task == "regression":
        return ()
    levels = next(c.levels for c in columns if c.name == target)
    if task == "multiclass":
        return levels
    if positive is None:
        counts = _as_strings(values, _raw_type(values)).value_counts()
        words = [v for v in levels if v.lower() in POSITIVE_WORDS]
        positive = words[0] if len(words) == 1 else str(counts.index[-1])
    if positive not in levels:
        raise BadInput(
            f"The positive class '{positive}' is not a value of '{target}': "
            f"it holds {', '.join(levels)}. Give one of these with --positive."
        )
    return (*(v for v in levels if v != positive), positive)


def _raw_type(values: pd.Series) -> RawType:
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


def _as_strings(values: pd.Series, raw_type: RawType) -> pd.Series:
    """Categories as text: 3 and 3.0 are both "3"."""
    present = values.notna()
    out = pd.Series([None] * len(values), index=values.index, dtype=object)
    kept = values[present]
    if raw_type == "integer" and pd.api.types.is_numeric_dtype(kept):
        kept = kept.astype(float).astype("int64")
    elif raw_type == "integer":
        kept = kept.map(_without_point)
    elif raw_type == "boolean":
        kept = kept.astype(object).map(BOOLEAN_TEXTS)
        kept = kept.where(kept.notna(), None)
        out[present] = kept.to_numpy(dtype=object)
        return out
    out[present] = kept.astype(str).to_numpy(dtype=object)
    return out


def _without_point(value: Any) -> Any:
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return int(value) if is_whole else value


def _as_dates(values: pd.Series) -> pd.Series:
    """Seconds since 1970; text that is no date becomes missing."""
    parsed = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)
    seconds = (parsed - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return seconds.astype(float)


def _looks_like_dates(present: pd.Series) -> bool:
    sample = present.iloc[:200].astype(str)
    if not sample.str.match(r"^\d{4}-\d{1,2}-\d{1,2}([ T].*)?$").all():
        return False
    return bool(_as_dates(sample).notna().all())


def _infer_kind(values: pd.Series, raw_type: RawType) -> Kind:
    present = values.dropna()
    n_unique = present.nunique()
    if len(present) == 0:
        return "empty"
    if n_unique == 1:
        return "constant"
    if raw_type == "datetime":
        return "datetime"
    if raw_type == "boolean":
        return "categorical"
    all_distinct = n_unique == len(present) >= MIN_IDENTIFIER_ROWS
    if raw_type in ("integer", "float"):
        counts_up = present.is_monotonic_increasing or bool(IDENTIFIER_NAME.search(str(values.name)))
        if raw_type == "integer" and all_distinct and counts_up:
            return "identifier"
        return "categorical" if raw_type == "integer" and n_unique == 2 else "numeric"
    if _looks_like_dates(present):
        return "datetime"
    # Most columns of text repeat themselves, so that no blank need be counted.
    if n_unique > 0.5 * len(present) and present.astype(str).str.count(r"\s").mean() > 6:
        return "text"
    if n_unique > 0.9 * len(present) and len(present) >= MIN_IDENTIFIER_ROWS:
        return "identifier"
    return "categorical"


def _infer_column(values: pd.Series, kind: Kind | None, role: Role) -> Column:
    raw_type = _raw_type(values)
    if role == "time" and kind not in TIME_KINDS:
        kind = "numeric" if raw_type in ("integer", "float") else "datetime"
    kind = kind or _infer_kind(values, raw_type)
    has_missing = bool(values.isna().any())
    base: dict[str, Any] = {
        "name": str(values.name),
        "kind": kind,
        "raw_type": raw_type,
        "role": role,
        "has_missing": has_missing,
    }
    if kind in ("categorical", "constant"):
        distinct = pd.Series(values.dropna().unique())
        levels = _as_strings(distinct, raw_type).dropna().unique()
        return Column(**base, levels=tuple(_sorted_levels(levels, raw_type)))
    if kind in ("numeric", "datetime"):
        if kind == "datetime" and raw_type == "string":
            base["raw_type"] = "string"
        numbers = _canonical(values, Column(**base)).dropna()
        if len(numbers):
            return Column(**base, minimum=float(numbers.min()), maximum=float(numbers.max()))
    return Column(**base)


def _sorted_levels(levels: Sequence[str], raw_type: RawType) -> list[str]:
    numeric = raw_type in ("integer", "float")
    return sorted(levels, key=float) if numeric else sorted(levels)


def _canonical(values: pd.Series, column: Column) -> pd.Series:
    if column.kind == "datetime":
        return _as_dates(values)
    if column.kind == "numeric":
        try:
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            return pd.Series(numbers, index=values.index, name=values.name)
        except (TypeError, ValueError) as err:
            raise BadInput(
                f"Column '{column.name}' holds text where the schema expects numbers. "
                "Correct the cells, or declare the column categorical in the card."
            ) from err
    return _as_strings(values, column.raw_type)


def _restored(values: pd.Series, column: Column) -> pd.Series:
    if column.kind == "datetime":
        # Only numbers go in: of a NaN pandas 2.3 rounds uninitialised memory, which now and then overflows.
        moments = pd.to_datetime(values.fillna(0), unit="s", utc=True).dt.tz_localize(None)
        moments = moments.where(values.notna())
        if column.raw_type == "datetime":
            return moments
        return moments.dt.strftime("%Y-%m-%dT%H:%M:%S").astype(object).where(moments.notna(), None)
    if column.kind == "numeric":
        return values.round().astype("Int64") if column.is_integer else values.astype(float)
    return _typed(values, column)


def _restored_constant(values: pd.Series, column: Column) -> pd.Series:
    if column.kind == "datetime" or column.raw_type == "datetime":
        return pd.to_datetime(values)
    return _typed(values, column)


def _typed(values: pd.Series, column: Column) -> pd.Series:
    """Text of a category level back in the type of the file."""
    if column.raw_type == "integer":
        return values.astype(float).astype("Int64")
    if column.raw_type == "float":
        return values.astype(float)
    if column.raw_type == "boolean":
        return values.map({"True": True, "False": False}).astype("boolean")
    return values.astype(object)


def _aligned(values: pd.Series, reference: pd.Series, column: Column) -> pd.Series:
    if column.is_categorical:
        known = set(reference.dropna())
        text = values.astype(object).where(values.notna(), None)
        return text.where(text.isin(known), None)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    numbers = numbers.replace([np.inf, -np.inf], np.nan).clip(reference.min(), reference.max())
    if column.role != "target" and not reference.isna().any():
        numbers = numbers.fillna(reference.median())
    return numbers.round() if column.is_integer else numbers

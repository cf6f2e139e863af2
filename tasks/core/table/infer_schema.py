"""Schema inferred from a table's values; what the card declares wins."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.columns import (
    Column,
    Kind,
    RawType,
    Role,
    as_dates,
    as_strings,
    canonical,
    raw_type_of,
)
from realmix.tasks.core.table.identifiers import names_rows
from realmix.tasks.core.table.schema import Schema, Task

# Times have an order and a distance, however few or many distinct values there are.
TIME_KINDS = ("numeric", "datetime")
# An integer target with more distinct values than this is a quantity, not a set of classes.
MAX_INTEGER_CLASSES = 10
# Below this many rows a column of distinct strings may still be a small set of names.
MIN_IDENTIFIER_ROWS = 50
IDENTIFIER_NAME = re.compile(r"(^|_)(id|uuid|guid|key)(_|$)|^(index|rownames?|unnamed.*)$", re.IGNORECASE)
# Names that pandas and R give to row numbers: these identify a row of one file only.
ROW_NUMBER_NAME = re.compile(
    r"^(unnamed: \d+|index|rownames?|level_\d+|row_?(id|number|nr|no))$", re.IGNORECASE
)
NESTED = re.compile(r"\s*(\[.*\]|\{.*\})\s*", re.DOTALL)
DATE = r"^\d{4}-\d{1,2}-\d{1,2}(?:[ T].*)?$"
POSITIVE_WORDS = ("1", "true", "yes", "y", "t", "positive", "pos", "ja", "oui", "si", "sí", "sim")


def infer_schema(
    raw: pd.DataFrame,
    target: str,
    *,
    task: Task | None = None,
    positive: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
    roles: Mapping[str, Role] | None = None,
    forms: Mapping[str, Mapping[str, Any]] | None = None,
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
    forms : mapping of column name to form, optional
        How raw rows are read, for the schema.

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
        _infer_column(raw[name], raw[target], kinds.get(name), roles.get(name, "feature"))
        for name in raw.columns
    )
    classes = _ordered_classes(raw[target], columns, target, task, positive)
    return Schema(columns, target, task, classes, dict(forms or {}))


def schema_of(raw: pd.DataFrame, card: DataCard) -> Schema:
    """Infer the schema of rows; what their card declares wins.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    card : DataCard
    """
    inferred = infer_schema(
        raw,
        card.target,
        task=card.task,
        positive=card.positive,
        kinds=card.columns,
        roles=card.roles,
        forms=card.forms,
    )
    return dataclasses.replace(inferred, monotone=dict(card.monotone), max_leaves=card.deploy.max_leaves)


def infer_task(target: pd.Series) -> Task:
    """Infer the prediction task from the target."""
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
        counts = as_strings(values, raw_type_of(values)).value_counts()
        words = [v for v in levels if v.lower() in POSITIVE_WORDS]
        positive = words[0] if len(words) == 1 else str(counts.index[-1])
    if positive not in levels:
        raise BadInput(
            f"The positive class '{positive}' is not a value of '{target}': "
            f"it has {', '.join(levels)}. Choose one of these with --positive."
        )
    return (*(v for v in levels if v != positive), positive)


def _looks_like_dates(present: pd.Series) -> bool:
    distinct = pd.Series(present.unique()).astype(str)
    # The first ones alone, because most columns are none.
    if not distinct.iloc[:50].str.match(DATE).all() or not distinct.str.match(DATE).all():
        return False
    return bool(as_dates(distinct).notna().all())


def _is_prose(present: pd.Series, n_unique: int) -> bool:
    # Distinct values first: most text columns repeat, and counting blanks is slow.
    return n_unique > 0.5 * len(present) and bool(present.astype(str).str.count(r"\s").mean() > 6)


def _is_nested(present: pd.Series) -> bool:
    texts = present.astype(str)
    return bool(texts.iloc[:50].str.fullmatch(NESTED).all() and texts.str.fullmatch(NESTED).all())


def _infer_kind(values: pd.Series, target: pd.Series, raw_type: RawType) -> Kind:
    present = values.dropna()
    n_unique = present.nunique()
    if len(present) == 0:
        return "empty"
    if n_unique == 1:
        # A flag: its other level is blank.
        is_flag = len(present) < len(values) and raw_type in ("string", "boolean")
        return "categorical" if is_flag else "constant"
    if raw_type == "datetime":
        return "datetime"
    if raw_type == "boolean":
        return "categorical"
    if raw_type in ("integer", "float"):
        return _number_kind(present, n_unique, raw_type, target[values.notna()])
    if _looks_like_dates(present):
        return "datetime"
    if _is_nested(present) or _is_prose(present, n_unique):
        return "text"
    if n_unique > 0.9 * len(present) and len(present) >= MIN_IDENTIFIER_ROWS:
        return "identifier"
    return "categorical"


def _number_kind(present: pd.Series, n_unique: int, raw_type: RawType, target: pd.Series) -> Kind:
    if raw_type == "integer" and n_unique == len(present) >= MIN_IDENTIFIER_ROWS:
        is_called_so = bool(IDENTIFIER_NAME.search(str(present.name)))
        return "identifier" if names_rows(present, target, is_called_so=is_called_so) else "numeric"
    return "categorical" if raw_type == "integer" and n_unique == 2 else "numeric"


def _infer_column(values: pd.Series, target: pd.Series, kind: Kind | None, role: Role) -> Column:
    raw_type = raw_type_of(values)
    if role == "time" and kind not in TIME_KINDS:
        kind = "numeric" if raw_type in ("integer", "float") else "datetime"
    kind = kind or _infer_kind(values, target, raw_type)
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
        levels = as_strings(distinct, raw_type).dropna().unique()
        ordered = sorted(levels, key=float) if raw_type in ("integer", "float") else sorted(levels)
        return Column(**base, levels=tuple(ordered))
    if kind in ("numeric", "datetime"):
        numbers = canonical(values, Column(**base)).dropna()
        if len(numbers):
            return Column(**base, minimum=float(numbers.min()), maximum=float(numbers.max()))
    return Column(**base)

"""Checks that a table can be studied; every failure is one sentence, before anything is fitted."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.costs import check_costs
from realmix.tasks.core.table.fold_labels import spellings
from realmix.tasks.core.table.infer_schema import infer_task, schema_of
from realmix.tasks.core.table.limits import MIN_GROUPS, MIN_TIMES
from realmix.tasks.core.table.rules import check_rules
from realmix.tasks.core.table.schema import Schema

MIN_ROWS = 60
MIN_CLASS_ROWS = 10
# Prefix of the columns that realmix adds to training tables.
RESERVED_PREFIX = "_realmix_"
# Above this share of distinct values a text target is a name or a note, not a class.
MAX_CLASS_SHARE = 0.5
LEAK_CORRELATION = 0.999999
N_NAMES_SHOWN = 20


def check_study_input(raw: pd.DataFrame, card: DataCard) -> Schema:
    """Check that a table can be studied, and infer its schema.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        As loaded from its source.
    card : DataCard
        What is declared about it.

    Returns
    -------
    Schema
        Inferred; what the card declares wins.

    Raises
    ------
    BadInput
        If a declared column is missing, the target cannot be predicted as asked, there are
        too few rows, numbers are infinite, no feature is left, or a feature determines
        the target. Messages name columns and classes and count rows; they quote no cells.

    Examples
    --------
    >>> raw = pd.DataFrame({"age": range(80), "bought": ["no", "yes"] * 40})
    >>> check_study_input(raw, DataCard(target="bougth"))
    Traceback (most recent call last):
    realmix.tasks.core.errors.BadInput: The target 'bougth' is no column of the table; did you mean 'bought'? ...
    """
    check_target(raw, card)
    _check_finite(raw.drop(columns=list(card.ignore)))
    schema = schema_of(raw, card)
    _check_roles(raw, schema)
    check_costs(raw, schema, card)
    _check_features(schema)
    _check_monotone(schema)
    _check_leaks(raw, schema, card)
    return schema


def check_target(raw: pd.DataFrame, card: DataCard) -> None:
    """Check that the columns of a card exist and that the target can be predicted.

    The first part of :func:`check_study_input`, with the same parameters and errors: what
    must hold before a card can be inferred.
    """
    check_declared_columns(raw.columns, card)
    for number, rule in enumerate(card.rules, start=1):
        column = getattr(rule, "column", None)
        if column is not None:
            _check_column(f"column of rule {number}", column, raw.columns)
    check_rules(card.rules, raw)
    if len(raw) < MIN_ROWS:
        raise BadInput(
            f"The table has {len(raw)} rows; expected at least {MIN_ROWS}: with fewer, folds are too small "
            "to compare anything. Collect more rows."
        )
    _check_target(raw[card.target], card)


def check_declared_columns(columns: Iterable[str], card: DataCard) -> None:
    """Check that a table has the columns that a card names.

    The first part of :func:`check_target`; it needs no cells.

    Parameters
    ----------
    columns : iterable of str
        Names of the table's columns.
    card : DataCard

    Raises
    ------
    BadInput
    """
    columns = [str(name) for name in columns]
    _check_column("target", card.target, columns)
    _check_roles_differ(card)
    single = {"key": card.key, "time": card.time, "group": card.group, "weight": card.weight}
    for field, name in single.items():
        if name is not None:
            _check_column(field, name, columns)
    several: dict[str, Iterable[str]] = {
        "columns": card.columns,
        "reading": card.reading,
        "ignore": card.ignore,
        "sensitive": card.sensitive,
        "slices": card.slices,
        "allow_leaks": card.allow_leaks,
        "monotone": card.monotone,
        "costs": card.cost_columns,
        "dp.columns": card.dp.columns if card.dp else (),
        "sharing.identifying": card.sharing.identifying,
    }
    for field, names in several.items():
        for name in names:
            _check_column(f"{field} entry", name, columns)
    reserved = [name for name in columns if name.startswith(RESERVED_PREFIX)]
    if reserved:
        raise BadInput(
            f"The table has a column '{reserved[0]}': names that begin with {RESERVED_PREFIX} are "
            "reserved for the training tables that realmix writes. Rename it, or study the table that it was made from."
        )


def _check_column(field: str, name: str, names: Sequence[str]) -> None:
    if name in names:
        return
    by_lower = {column.lower(): column for column in names}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    hint = f"; did you mean '{by_lower[near[0]]}'?" if near else "."
    where = "--target" if field == "target" else "the card"
    raise BadInput(
        f"The {field} '{name}' is no column of the table{hint} It has: "
        f"{columns_in_words(names)}. Correct {where}."
    )


def columns_in_words(names: Sequence[str]) -> str:
    """List columns, the first twenty by name.

    Examples
    --------
    >>> columns_in_words(["age", "job"])
    'age, job'
    """
    more = f", and {len(names) - N_NAMES_SHOWN} more" if len(names) > N_NAMES_SHOWN else ""
    return f"{', '.join(names[:N_NAMES_SHOWN])}{more}"


def _check_roles_differ(card: DataCard) -> None:
    roles = {"target": card.target, "key": card.key, "time": card.time, "group": card.group}
    roles |= {"weight": card.weight} | {f"ignore ({name})": name for name in card.ignore}
    seen: dict[str, str] = {}
    for role, name in roles.items():
        if name is not None and name in seen:
            raise BadInput(
                f"The card declares the column '{name}' as {seen[name]} and as {role.split()[0]}; "
                "expected one role per column. Keep one."
            )
        if name is not None:
            seen[name] = role


def _check_target(target: pd.Series, card: DataCard) -> None:
    n_missing = int(target.isna().sum())
    if n_missing:
        raise BadInput(
            f"The target '{target.name}' is missing in {n_missing:,} of {len(target):,} rows; expected it in "
            "every row. Fill in these labels, or remove the rows."
        )
    if card.task == "regression" and not _is_number(target):
        raise BadInput(
            f"The task is regression but the target '{target.name}' holds no numbers. {_advice_for_text(target)}"
        )
    if (card.task or infer_task(target)) == "regression":
        _check_quantity(target, card)
    else:
        _check_classes(target, card)


def _check_quantity(target: pd.Series, card: DataCard) -> None:
    if card.positive is not None:
        raise BadInput(
            f"A positive class ('{card.positive}') is declared but the target '{target.name}' is a quantity "
            "(regression). Drop --positive, or use --task binary."
        )
    numbers = target.astype(float)
    n_infinite = int(np.isinf(numbers).sum())
    if n_infinite:
        raise BadInput(
            f"The target '{target.name}' is infinite in {n_infinite:,} of {len(target):,} rows; expected "
            "finite numbers. Correct these rows, or remove them."
        )
    if numbers.nunique() < 2:
        raise BadInput(
            f"The target '{target.name}' has the same value in all {len(target):,} rows: there is nothing to "
            "predict. Name another target, or collect rows in which it varies."
        )


def _check_spellings(labels: Iterable[object], card: DataCard) -> None:
    """Refuse a class that is written in several ways: which of them is meant, only its owner knows."""
    twice = spellings([label for label in labels if isinstance(label, str)])
    if not twice:
        return
    names = list(next(iter(twice.values())))
    more = f" ({len(twice) - 1} more classes likewise)" if len(twice) > 1 else ""
    shown = (
        " and ".join(f"'{name}'" for name in names) if card.target not in card.sensitive else "two spellings"
    )
    raise BadInput(
        f"Classes of the target '{card.target}' differ by blanks or by upper and lower case only: {shown}{more}; "
        "expected one spelling per class. Write each class in one way."
    )


def _check_classes(target: pd.Series, card: DataCard) -> None:
    counts = target.value_counts()
    _check_spellings(counts.index, card)
    if len(counts) == 1:
        raise BadInput(
            f"The target '{target.name}' has one class only in all {len(target):,} rows; expected at least "
            "two. Name another target, or collect rows of the other class."
        )
    if len(counts) > MAX_CLASS_SHARE * len(target):
        advice = "Use --task regression." if _is_number(target) else _advice_for_text(target)
        raise BadInput(
            f"The target '{target.name}' holds {len(counts):,} distinct values in {len(target):,} rows: "
            f"these are names or quantities, not classes. {advice}"
        )
    _check_class_sizes(counts, target, card)
    _check_task_fits(card, len(counts), str(target.name))


def _check_class_sizes(counts: pd.Series, target: pd.Series, card: DataCard) -> None:
    rare = counts[counts < MIN_CLASS_ROWS]
    if len(rare):
        others = f" (and {len(rare) - 1} more such classes)" if len(rare) > 1 else ""
        is_count = _is_number(target) and card.task is None and card.positive is None
        hint = ", or use --task regression if the number counts or measures something" if is_count else ""
        raise BadInput(
            f"The class '{rare.index[-1]}' of the target '{target.name}' has {rare.iloc[-1]} rows{others}; expected "
            f"at least {MIN_CLASS_ROWS} per class. Collect more, merge classes, or remove these rows{hint}."
        )


def _is_number(target: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)


def _advice_for_text(target: pd.Series) -> str:
    """Say what helps a target that is text: never the task that is refused next."""
    cells = target.dropna().astype(str)
    if cells.str.contains(r"\d").mean() > MAX_CLASS_SHARE and cells.nunique() > MAX_CLASS_SHARE * len(cells):
        return "If its cells are quantities, write them as plain numbers, without units, signs or words."
    if cells.nunique() > MAX_CLASS_SHARE * len(cells):
        return "Name another target."
    task = "binary" if cells.nunique() == 2 else "multiclass"
    return f"Use --task {task}, or name a numeric target."


def _check_monotone(schema: Schema) -> None:
    """Refuse a direction that no prediction can have: of a column that is no number, or of several classes."""
    numbers = [c.name for c in schema.features if not c.is_categorical]
    for name in schema.monotone:
        if name not in numbers:
            raise BadInput(
                f"`monotone` names '{name}', which is no numeric feature; expected one of "
                f"{', '.join(numbers[:N_NAMES_SHOWN]) or 'none: this table has no numeric features'}. Correct the card."
            )
    if schema.monotone and schema.task == "multiclass":
        raise BadInput(
            f"`monotone` needs a quantity or two classes, and the target '{schema.target}' has "
            f"{len(schema.classes)} classes. Remove it from the card."
        )


def _check_task_fits(card: DataCard, n_classes: int, target: str) -> None:
    if card.task == "binary" and n_classes != 2:
        raise BadInput(
            f"The task is binary but the target '{target}' has {n_classes} classes. "
            "Use --task multiclass, or merge classes."
        )
    if card.task == "multiclass" and n_classes == 2:
        raise BadInput(
            f"The task is multiclass but the target '{target}' has two classes. Use --task binary."
        )
    if card.positive is not None and n_classes != 2:
        raise BadInput(
            f"A positive class ('{card.positive}') is declared but the target '{target}' has {n_classes} "
            "classes; only a binary target has one. Drop --positive, or merge classes."
        )


def _check_finite(raw: pd.DataFrame) -> None:
    for name in raw.select_dtypes("floating").columns:
        n_infinite = int(np.isinf(raw[name].to_numpy(dtype=float, na_value=np.nan)).sum())
        if n_infinite:
            raise BadInput(
                f"The column '{name}' is infinite in {n_infinite:,} of {len(raw):,} rows; expected finite "
                "numbers or empty cells. Correct or empty these cells, or list the column under `ignore`."
            )


def _check_roles(raw: pd.DataFrame, schema: Schema) -> None:
    weight = schema.with_role("weight")
    if weight is not None:
        _check_weight(raw[weight])
    for role in ("time", "group"):
        name = schema.with_role(role)
        if name is not None and raw[name].isna().any():
            raise BadInput(
                f"The {role} column '{name}' is missing in {int(raw[name].isna().sum()):,} of {len(raw):,} "
                f"rows; expected it in every row. Fill it in, or drop `{role}` from the card."
            )
    time, group = schema.with_role("time"), schema.with_role("group")
    if time is not None:
        _check_time(schema.apply(raw)[time])
    if group is not None:
        _check_groups(raw[group])


def _check_time(moments: pd.Series) -> None:
    if moments.isna().any():
        raise BadInput(
            f"The time column '{moments.name}' holds text that is no date in {int(moments.isna().sum()):,} of "
            f"{len(moments):,} rows; expected dates as 2026-01-31 or numbers that rise with time. Rewrite it, "
            "or drop `time` from the card."
        )
    if moments.nunique() < MIN_TIMES:
        raise BadInput(
            f"The time column '{moments.name}' has {moments.nunique()} distinct values; expected at least "
            f"{MIN_TIMES}: one to learn from, two to validate on and one for the holdout. Collect rows over a "
            "longer time, or drop `time` from the card."
        )


def _check_groups(groups: pd.Series) -> None:
    if groups.nunique() < MIN_GROUPS:
        raise BadInput(
            f"The group column '{groups.name}' has {groups.nunique()} groups; expected at least {MIN_GROUPS}: "
            "no group is both learned from and validated on. Collect rows of more groups, or drop `group` "
            "from the card."
        )


def _check_weight(weight: pd.Series) -> None:
    is_number = pd.api.types.is_numeric_dtype(weight) and not pd.api.types.is_bool_dtype(weight)
    if not is_number or weight.isna().any() or (weight < 0).any() or not weight.sum() > 0:
        raise BadInput(
            f"The weight column '{weight.name}' must hold a number of at least 0 in every row, and not only "
            "zeros. Correct it, or drop `weight` from the card."
        )


def _check_features(schema: Schema) -> None:
    if any(column.role == "feature" for column in schema.features):
        return
    others = [c for c in schema.columns if c.role != "target"]
    left_out = [f"{c.name} ({c.kind if c.role == 'feature' else c.role})" for c in others]
    raise BadInput(
        f"No feature is left to predict '{schema.target}' from: {', '.join(left_out) or 'no other column'}. "
        "Add columns that describe the rows, or declare a column's type under `columns` in the card."
    )


def _check_leaks(raw: pd.DataFrame, schema: Schema, card: DataCard) -> None:
    leaks = [c.name for c in schema.features if c.name not in card.allow_leaks and _is_leak(raw, c, schema)]
    if leaks:
        names = ", ".join(f"'{name}'" for name in leaks)
        raise BadInput(
            f"The target '{schema.target}' is determined by the feature {names}: this is a leak, the value "
            "would not be known at prediction time. List it under `ignore` in the card, or under "
            "`allow_leaks` if it really is known then."
        )


def _is_leak(raw: pd.DataFrame, column: Column, schema: Schema) -> bool:
    feature, target = raw[column.name], raw[schema.target]
    if schema.is_classification:
        return _maps_one_to_one(feature, target, len(schema.classes))
    return column.kind == "numeric" and _equals_or_correlates(feature, target)


def _maps_one_to_one(feature: pd.Series, target: pd.Series, n_classes: int) -> bool:
    """Check that each level of the feature is one class; a missing cell may be a level."""
    if feature.nunique() not in (n_classes, n_classes - 1):
        return False
    pairs = pd.DataFrame({"feature": feature.array, "target": target.array}).drop_duplicates()
    return _is_bijection(pairs, n_classes) or _is_bijection(pairs.dropna(), n_classes)


def _is_bijection(pairs: pd.DataFrame, n_classes: int) -> bool:
    return len(pairs) == n_classes == pairs["feature"].nunique(dropna=False) == pairs["target"].nunique()


def _equals_or_correlates(feature: pd.Series, target: pd.Series) -> bool:
    present = feature.notna().to_numpy()
    x, y = feature.to_numpy(dtype=float)[present], target.to_numpy(dtype=float)[present]
    if len(x) < MIN_CLASS_ROWS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return False
    return bool(abs(np.corrcoef(x, y)[0, 1]) > LEAK_CORRELATION)

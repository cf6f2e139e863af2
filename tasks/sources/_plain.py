"""Column names and types that all sources return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.limits import MAX_COLUMNS


def check_column_names(names: Sequence[str], where: str) -> None:
    """Refuse duplicate names, which make it unclear which column is meant, and too many.

    Raises
    ------
    BadInput
        If two columns share a name, or there are more than `MAX_COLUMNS`.
    """
    if len(names) > MAX_COLUMNS:
        raise BadInput(
            f"{where} has {len(names):,} columns; at most {MAX_COLUMNS:,} can be studied. Give it the columns that "
            "matter, or a summary of the others."
        )
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise BadInput(
            f"{where}: the column name '{twice[0]}' occurs {names.count(twice[0])} times in the header; "
            "expected every name once. Rename or remove the duplicates."
        )


def plain_types(raw: pd.DataFrame, where: str) -> pd.DataFrame:
    """Convert a reader's column types to numbers, text, booleans and dates of plain pandas.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    where : str
        The source, for messages.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        New index; column names are text. Dates have no time zone and mean UTC. Values that are
        no number, date or boolean (lists, bytes, UUIDs) become text.

    Raises
    ------
    BadInput
        If there are no rows or two columns share a name.
    """
    names = [str(name) for name in raw.columns]
    check_column_names(names, where)
    if not len(raw):
        raise BadInput(f"{where} holds no rows, only column names; expected at least 60 rows. Add the data.")
    plain = {name: _plain(raw.iloc[:, i]) for i, name in enumerate(names)}
    return pd.DataFrame({name: values.array for name, values in plain.items()})


def _plain(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype if values.notna().all() else object)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_timedelta64_dtype(values):
        return values.dt.total_seconds()
    return _plain_objects(values) if values.dtype == object else values


def _plain_objects(values: pd.Series) -> pd.Series:
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in ("string", "boolean", "empty"):
        return values
    if inferred in ("decimal", "floating", "integer", "mixed-integer-float"):
        return values.astype(float)
    if inferred in ("date", "datetime", "datetime64"):
        return _as_moments(values)
    if inferred == "bytes":
        return values.map(lambda cell: cell.decode(errors="backslashreplace"), na_action="ignore")
    return values.astype(str).where(values.notna(), None)


def _as_moments(values: pd.Series) -> pd.Series:
    """Convert dates that pandas can represent; others (the year 9999) become text."""
    try:
        return pd.to_datetime(values, utc=True).dt.tz_localize(None)
    except (ValueError, OverflowError):
        return values.astype(str).where(values.notna(), None)

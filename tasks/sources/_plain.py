"""Column names and types that all sources return."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.limits import MAX_COLUMNS
from realmix.tasks.core.table.numbers_as_written import MAX_EXACT


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


def plain_arrow(table: pyarrow.Table) -> pd.DataFrame:
    """Convert the columns of an Arrow table by their logical types, whatever pandas has registered before.

    Parameters
    ----------
    table : pyarrow.Table of shape (n_rows, n_columns)

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        For :func:`plain_types`. Periods are their first moment, intervals text, times of day and spans of
        time seconds; whole numbers beyond 2^53 are text, exactly. pandas' own metadata count for nothing
        else: with them some columns would become an index.
    """
    columns = [_from_arrow(column, field) for column, field in zip(table.columns, table.schema, strict=True)]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(table.num_rows))
    return frame.set_axis(table.column_names, axis=1)


def _from_arrow(column: pyarrow.ChunkedArray, field: pyarrow.Field) -> pd.Series:
    about = field.metadata or {}
    kind = about.get(b"ARROW:extension:name", b"").decode()
    details = about.get(b"ARROW:extension:metadata", b"")
    if isinstance(column.type, pyarrow.BaseExtensionType):
        kind, details = column.type.extension_name, column.type.__arrow_ext_serialize__()
        column = pyarrow.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    if kind == "pandas.period":
        return _from_periods(column, json.loads(details)["freq"])
    if kind == "pandas.interval":
        return _from_intervals(column, json.loads(details)["closed"])
    return _from_logical(column)


def _from_logical(column: pyarrow.ChunkedArray) -> pd.Series:
    types, kind = pyarrow.types, column.type
    if types.is_dictionary(kind):
        return _from_logical(_decoded(column))
    if types.is_timestamp(kind) and kind.tz is not None:
        # Stored in UTC, whatever the name of the zone.
        column = column.cast(pyarrow.timestamp(kind.unit))
    elif types.is_time(kind):
        unit = 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        whole = column.cast(pyarrow.int32() if types.is_time32(kind) else pyarrow.int64())
        return whole.cast(pyarrow.float64()).to_pandas() / unit
    elif types.is_float16(kind):
        column = column.cast(pyarrow.float32())
    elif types.is_integer(kind) and _is_beyond(column):
        return column.cast(pyarrow.string()).to_pandas()
    elif types.is_decimal(kind) and kind.scale <= 0 and kind.precision > 15:
        return _exact_integers(column.to_pandas())
    return column.to_pandas()


def _decoded(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Replace codes by their values; those of polars are views, of which Arrow takes none by code."""
    kind = column.type.value_type
    kind = pyarrow.string() if pyarrow.types.is_string_view(kind) else kind
    return pyarrow.chunked_array(
        [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks], type=kind
    )


def _is_beyond(column: pyarrow.ChunkedArray) -> bool:
    extremes = pc.min_max(column).as_py()
    return any(end is not None and abs(end) > MAX_EXACT for end in extremes.values())


def _from_periods(column: pyarrow.ChunkedArray, freq: str) -> pd.Series:
    places = column.to_pandas()
    periods = pd.PeriodIndex.from_ordinals(places.fillna(0).astype("int64"), freq=freq)
    return pd.Series(periods.to_timestamp().array).where(places.notna())


def _from_intervals(column: pyarrow.ChunkedArray, closed: str) -> pd.Series:
    first = "[" if closed in ("left", "both") else "("
    last = "]" if closed in ("right", "both") else ")"
    cells = [each and f"{first}{each['left']}, {each['right']}{last}" for each in column.to_pylist()]
    return pd.Series(cells, dtype=object)


def _plain(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype if values.notna().all() else object)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(values.dtype, pd.PeriodDtype):
        return values.dt.to_timestamp()
    if pd.api.types.is_timedelta64_dtype(values):
        return values.dt.total_seconds()
    if pd.api.types.is_integer_dtype(values) and len(values.dropna()):
        return _exact_integers(values) if abs(values).max() > MAX_EXACT else values
    return _plain_objects(values) if values.dtype == object else values


def _exact_integers(values: pd.Series) -> pd.Series:
    """Convert whole numbers to floats where all are exact, else to text."""
    present = values.dropna()
    if len(present) and max(abs(int(present.min())), abs(int(present.max()))) > MAX_EXACT:
        return values.map(lambda cell: str(int(cell)), na_action="ignore").astype(object)
    return values.astype(float)


def _plain_objects(values: pd.Series) -> pd.Series:
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in ("string", "boolean", "empty"):
        return values
    if inferred == "integer" or (inferred == "decimal" and values.dropna().map(_is_whole).all()):
        return _exact_integers(values)
    if inferred in ("decimal", "floating", "mixed-integer-float"):
        return values.astype(float)
    if inferred in ("date", "datetime", "datetime64"):
        return _as_moments(values)
    if inferred == "bytes":
        return values.map(lambda cell: cell.decode(errors="backslashreplace"), na_action="ignore")
    if inferred == "time":
        return values.map(_after_midnight, na_action="ignore").astype(float)
    if inferred == "period":
        return _plain(values.astype("period"))
    return values.astype(str).where(values.notna(), None)


def _is_whole(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent  # a letter where the number is infinite or none
    return isinstance(exponent, int) and exponent >= 0


def _after_midnight(time: datetime.time) -> float:
    return time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6


def _as_moments(values: pd.Series) -> pd.Series:
    """Convert dates that pandas can represent; others (the year 9999) become text."""
    try:
        # Each by itself: in one column pandas gives a moment without zone the zone of the one before it.
        zoned = values.map(lambda moment: getattr(moment, "tzinfo", None) is not None, na_action="ignore")
        moments = pd.Series(pd.NaT, index=values.index, dtype="datetime64[ns]")
        for is_part in (zoned.eq(True), zoned.eq(False)):
            moments[is_part] = pd.to_datetime(values[is_part], utc=True).dt.tz_localize(None)
        return moments
    except (ValueError, OverflowError):
        return values.astype(str).where(values.notna(), None)

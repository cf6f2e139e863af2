"""Suppress what would point at few real rows: rare combinations of levels, and numbers that few rows have."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema

DAY = 86_400.0
# Dates are rounded to days, weeks, about months, quarters, years and decades.
DATE_STEPS = tuple(DAY * days for days in (1, 7, 30, 91, 365, 3_652))
# Numbers are rounded to 1, 2 or 5 units of each power of ten, from one this many powers below the range.
POWERS = 6
# Combinations of identifying columns of up to so many at a time, and of all at once.
MAX_TOGETHER = 3
N_PARTS = 4


@dataclass(frozen=True)
class SharedNumbers:
    """The numbers of a column that enough real rows share, at each precision.

    Attributes
    ----------
    low, high : float
        The values that `min_rows` real rows lie at or below, and at or above.
    steps : tuple of float
        Of rounding, from the finest; 0 leaves a number as it is.
    shared : tuple of ndarray
        For each step, the rounded numbers that at least `min_rows` real rows share.
    """

    low: float
    high: float
    steps: tuple[float, ...]
    shared: tuple[np.ndarray, ...]

    @classmethod
    def learn(cls, real: np.ndarray, min_rows: int, column: Column) -> SharedNumbers:
        """Find the numbers that may be shown.

        Parameters
        ----------
        real : ndarray of shape (n_real,)
        min_rows : int
        column : Column
        """
        present = np.sort(real[~np.isnan(real)])
        if len(present) < min_rows:
            return cls(np.nan, np.nan, (), ())
        low, high = present[min_rows - 1], present[-min_rows]
        steps = _steps(present[-1] - present[0], column)
        clipped = np.clip(present, min(low, high), max(low, high))
        return cls(
            float(min(low, high)),
            float(max(low, high)),
            steps,
            tuple(_shared(_rounded(clipped, step), min_rows) for step in steps),
        )

    def show(self, numbers: np.ndarray) -> np.ndarray:
        """Clip numbers to the quantiles, and round each until enough real rows round to the same; else it is missing.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows,)

        Returns
        -------
        ndarray of shape (n_rows,)

        Examples
        --------
        >>> age = Column("age", "numeric", "integer")
        >>> real = np.array([18, 18, 31, 32, 34, 34, 34, 97.0])
        >>> SharedNumbers.learn(real, 2, age).show(np.array([18, 32, 34, 97.0])).tolist()
        [18.0, 32.0, 34.0, 34.0]
        """
        shown = np.full(len(numbers), np.nan)
        clipped = np.clip(numbers, self.low, self.high)
        for step, shared in zip(self.steps, self.shared, strict=True):
            rounded = _rounded(clipped, step)
            found = np.isnan(shown) & np.isin(rounded, shared)
            shown[found] = rounded[found]
        return shown


def round_rare_numbers(rows: pd.DataFrame, real: pd.DataFrame, schema: Schema, min_rows: int) -> pd.DataFrame:
    """Show of each number only what enough real rows share; see :class:`SharedNumbers`.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_modelled)
        Synthetic, canonical.
    real : DataFrame of shape (n_real, n_modelled)
        Rows that were learned.
    schema : Schema
    min_rows : int

    Returns
    -------
    DataFrame of shape (n_rows, n_modelled)
    """
    shown = {
        column.name: SharedNumbers.learn(real[column.name].to_numpy(dtype=float), min_rows, column).show(
            rows[column.name].to_numpy(dtype=float)
        )
        for column in schema.modelled
        if not column.is_categorical
    }
    return rows.assign(**shown)


def shows_rare(
    rows: pd.DataFrame, real: pd.DataFrame, schema: Schema, identifying: Sequence[str], min_rows: int
) -> np.ndarray:
    """Return which synthetic rows show a level, or a combination of identifying cells, that few real rows have.

    Combinations that no real row has point at nobody, and stay.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_modelled)
        Synthetic, canonical.
    real : DataFrame of shape (n_real, n_modelled)
    schema : Schema
    identifying : sequence of str
        Modelled columns; numbers are compared by quarters of the real ones. They are looked at by one, by two, by three
        and all together.
    min_rows : int

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> real = pd.DataFrame({"job": ["nurse"] * 4 + ["mayor"], "ill": ["no", "yes"] * 2 + ["no"]})
    >>> shows_rare(real.iloc[[0, 4]], real, infer_schema(real, "ill"), ["job"], 2).tolist()
    [False, True]
    """
    cells = {column.name: _cells(column, real, rows) for column in schema.modelled}
    levels = [(column.name,) for column in schema.modelled if column.is_categorical]
    rare = np.zeros(len(rows), dtype=bool)
    for names in dict.fromkeys([*levels, *_combinations(identifying)]):
        real_codes, codes = _joined([cells[name] for name in names])
        n_real = np.bincount(real_codes, minlength=int(codes.max(initial=0)) + 1)[codes]
        rare |= (n_real > 0) & (n_real < min_rows)
    return rare


def _combinations(names: Sequence[str]) -> list[tuple[str, ...]]:
    by_size = (itertools.combinations(names, size) for size in range(1, min(MAX_TOGETHER, len(names)) + 1))
    return [*itertools.chain.from_iterable(by_size), *([tuple(names)] if names else [])]


def _cells(column: Column, real: pd.DataFrame, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of real and of synthetic cells; numbers by quarters of the real ones."""
    if column.is_categorical:
        both = pd.concat([real[column.name], rows[column.name]], ignore_index=True)
        codes = pd.factorize(both, use_na_sentinel=False)[0]
        return codes[: len(real)], codes[len(real) :]
    present = real[column.name].dropna()
    edges = np.unique(present.quantile(np.arange(1, N_PARTS) / N_PARTS)) if len(present) else np.array([])
    return tuple(  # type: ignore[return-value]
        np.where(values.isna(), len(edges) + 1, np.searchsorted(edges, values))
        for values in (real[column.name], rows[column.name])
    )


def _joined(cells: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return one code for each combination, the same for real and synthetic rows."""
    n_real = len(cells[0][0])
    stacked = np.column_stack([np.concatenate(pair) for pair in cells])
    codes = np.unique(stacked, axis=0, return_inverse=True)[1].reshape(-1)
    return codes[:n_real], codes[n_real:]


def _steps(span: float, column: Column) -> tuple[float, ...]:
    if column.kind == "datetime":
        return (0.0, *DATE_STEPS)
    top = int(np.ceil(np.log10(span))) if span > 0 else 0
    powers = [mantissa * 10.0**power for power in range(top - POWERS, top + 1) for mantissa in (1, 2, 5)]
    return (0.0, *(step for step in powers if not column.is_integer or step > 1))


def _rounded(numbers: np.ndarray, step: float) -> np.ndarray:
    """Round to a multiple of a step; rounding to decimals removes what floating point adds."""
    return numbers if step == 0 else np.round(np.round(numbers / step) * step, 10)


def _shared(values: np.ndarray, min_rows: int) -> np.ndarray:
    distinct, counts = np.unique(values, return_counts=True)
    return np.asarray(distinct[counts >= min_rows])

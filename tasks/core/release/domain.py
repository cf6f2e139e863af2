"""Cells of declared columns as codes of bins, and back; nothing here is learned from rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.table.sharing import Bins

DAY = 86_400.0
# Drawn numbers are no more precise than this.
DECIMALS = 4


@dataclass(frozen=True)
class Domain:
    """One declared column.

    Attributes
    ----------
    bins : Bins
        From the card.
    """

    bins: Bins

    @property
    def n_codes(self) -> int:
        """Number of codes; the last one is that of missing cells and of undeclared levels."""
        return 1 + (len(self.bins.values) or len(self.bins.edges) - 1)

    def read(self, cells: pd.Series) -> pd.Series:
        """Read cells one by one, whatever the others are: to text, or to float64 (dates: seconds since 1970).

        Examples
        --------
        >>> Domain(Bins(edges=(0, 10))).read(pd.Series(["4", "x", None])).tolist()
        [4.0, nan, nan]
        >>> Domain(Bins(values=("1", "2"))).read(pd.Series([1.0, None, "2"])).tolist()
        ['1', None, '2']
        """
        if self.bins.is_date:
            moments = [pd.to_datetime(cell, errors="coerce", format="ISO8601") for cell in cells]
            return pd.Series([_seconds(moment) for moment in moments], index=cells.index, dtype=float)
        if self.bins.edges:
            return pd.to_numeric(cells, errors="coerce").astype(float)
        return pd.Series([_text(cell) for cell in cells], index=cells.index, dtype=object)

    def encode(self, values: pd.Series) -> np.ndarray:
        """Return the code of each value; levels are compared without blanks around them and case.

        Parameters
        ----------
        values : Series of shape (n_rows,)
            Text or None; of numbers and dates float64 with NaN.

        Returns
        -------
        ndarray of int, shape (n_rows,)

        Examples
        --------
        >>> Domain(Bins(edges=(18, 30, 95))).encode(pd.Series([17, 30, 99, None], dtype=float)).tolist()
        [0, 1, 1, 2]
        """
        missing = self.n_codes - 1
        if self.bins.values:
            codes = {fold(level): code for code, level in enumerate(self.bins.values)}
            return np.array(
                [missing if pd.isna(v) else codes.get(fold(v), missing) for v in values], dtype=int
            )
        edges, numbers = np.array(self.bins.numbers), values.to_numpy(dtype=float)
        inside = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, missing - 1)
        return np.where(np.isnan(numbers), missing, inside)

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a value of each code: a level, or a number evenly between two edges."""
        if self.bins.values:
            return np.array([*self.bins.values, None], dtype=object)[codes]
        edges, missing = np.array(self.bins.numbers), self.n_codes - 1
        place = np.minimum(codes, missing - 1)
        numbers = self._between(edges[place], edges[place + 1], place == missing - 1, rng)
        return np.where(codes == missing, np.nan, numbers)

    def _between(
        self, low: np.ndarray, high: np.ndarray, is_last: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw evenly between two edges; the highest edge is a value of the last bin, others begin the next one."""
        place = rng.random(len(low))
        if not self.bins.whole:
            return (low + place * (high - low)).round(0 if self.bins.is_date else DECIMALS)
        step = DAY if self.bins.is_date else 1.0
        first = np.ceil(low / step)
        beyond = np.where(is_last, np.floor(high / step) + 1, np.ceil(high / step))
        return (first + np.floor(place * np.maximum(beyond - first, 1))) * step


def read_declared(cells: pd.DataFrame, columns: Mapping[str, Bins]) -> pd.DataFrame:
    """Read the declared columns of a table cell by cell; see :meth:`Domain.read`.

    Parameters
    ----------
    cells : DataFrame of shape (n_rows, n_columns)
        Text as the file wrote it, or typed cells.
    columns : mapping of column to Bins

    Returns
    -------
    DataFrame of shape (n_rows, n_declared)
    """
    return pd.DataFrame({name: Domain(bins).read(cells[name]) for name, bins in columns.items()})


def fold(level: object) -> str:
    """Return a level without blanks around it, in lower case."""
    return str(level).strip().casefold()


def _text(cell: object) -> str | None:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return None
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _seconds(moment: pd.Timestamp) -> float:
    return np.nan if pd.isna(moment) else (moment.tz_localize(None) - pd.Timestamp(0)).total_seconds()

"""Encoding of tables as complete numbers and codes, for generators without missing cells, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.table.schema import Schema

# More levels cost generators more than they inform; the rarest levels share one code.
MAX_LEVELS = 50


@dataclass(frozen=True)
class Levels:
    """Codes of the levels of a categorical column; missing is a level of its own.

    Attributes
    ----------
    kept : list of str or None
        Levels with a code of their own, in the order of the codes.
    merged : list of str or None
        Rare levels that share the code ``len(kept)``.
    merged_shares : ndarray of shape (n_merged,)
        Their frequencies among each other in the real rows, by which `decode` draws them.
    """

    kept: list[str | None]
    merged: list[str | None]
    merged_shares: np.ndarray

    @classmethod
    def learn(cls, values: pd.Series, max_levels: int | None) -> Levels:
        """Assign codes to the levels of a column, most frequent first; None merges no level."""
        counts = values.astype(object).where(values.notna(), None).value_counts(dropna=False)
        # Frequency, then name: ties must not depend on the order of the rows.
        order = sorted(
            zip(counts, counts.index, strict=True), key=lambda x: (-x[0], x[1] is not None, str(x[1]))
        )
        levels = [None if pd.isna(level) else level for _, level in order]
        n_kept = len(levels) if max_levels is None or len(levels) <= max_levels else max_levels - 1
        share = np.array([count for count, _ in order[n_kept:]], dtype=float)
        return cls(levels[:n_kept], levels[n_kept:], share / share.sum() if len(share) else share)

    def encode(self, values: pd.Series) -> np.ndarray:
        """Return the code of each value; levels that were not learned get the shared code."""
        codes = {level: code for code, level in enumerate(self.kept)}
        rest = len(self.kept)
        return np.array([codes.get(None if pd.isna(v) else v, rest) for v in values], dtype=int)

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the level of each code; the shared code becomes a draw of the levels that share it."""
        table = np.array([*self.kept, None], dtype=object)
        values = table[codes]
        is_merged = codes == len(self.kept)
        if self.merged:
            drawn = rng.choice(len(self.merged), size=int(is_merged.sum()), p=self.merged_shares)
            values[is_merged] = np.array(self.merged, dtype=object)[drawn]
        return values


class TableEncoding:
    """Encoding of canonical rows as complete numbers and small integer codes, target first.

    Numbers become a column ``x<i>`` (missing filled with the median) and, where some are
    missing, a code column ``m<i>`` that marks them; categories become codes ``k<i>`` with at
    most `MAX_LEVELS` levels. Columns with a single value are dropped and restored.

    Parameters
    ----------
    real : DataFrame of shape (n_real, n_modelled)
    schema : Schema
    """

    def __init__(self, real: pd.DataFrame, schema: Schema) -> None:
        self.columns = [column.name for column in schema.modelled]
        self.target = schema.target
        self.constants: dict[str, object] = {}
        self.medians: dict[str, float] = {}
        self.flagged: list[str] = []
        self.levels: dict[str, Levels] = {}
        ordered = (schema[schema.target], *schema.features)
        self.order = [column.name for column in ordered]
        for column in ordered:
            values = real[column.name]
            if column.name != self.target and values.nunique(dropna=False) <= 1:
                self.constants[column.name] = values.iloc[0] if len(values) else None
            elif column.is_categorical:
                is_target = column.name == self.target
                self.levels[column.name] = Levels.learn(values, None if is_target else MAX_LEVELS)
            else:
                self.medians[column.name] = float(values.median())
                if values.isna().any():
                    self.flagged.append(column.name)

    def key(self, name: str, *, flag: bool = False) -> str:
        """Return the name of a column, or of its missing flag, in the encoded table."""
        letter = "m" if flag else "k" if name in self.levels else "x"
        return f"{letter}{self.order.index(name)}"

    @property
    def target_key(self) -> str:
        """Name of the target in the encoded table."""
        return self.key(self.target)

    def encode(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Encode canonical rows.

        Returns
        -------
        DataFrame of shape (n_rows, n_encoded)
            ``x`` columns are float, ``m`` and ``k`` columns int.
        """
        data: dict[str, np.ndarray] = {}
        for name in self.order:
            if name in self.levels:
                data[self.key(name)] = self.levels[name].encode(rows[name])
            elif name in self.medians:
                numbers = rows[name].to_numpy(dtype=float)
                data[self.key(name)] = np.where(np.isnan(numbers), self.medians[name], numbers)
                if name in self.flagged:
                    data[self.key(name, flag=True)] = np.isnan(numbers).astype(int)
        return pd.DataFrame(data)

    def decode(self, encoded: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Decode encoded rows to canonical rows; rare levels that share a code are drawn.

        Returns
        -------
        DataFrame of shape (n_rows, n_modelled)
        """
        data: dict[str, object] = {}
        for name in self.columns:
            if name in self.constants:
                data[name] = [self.constants[name]] * len(encoded)
            elif name in self.levels:
                data[name] = self.levels[name].decode(encoded[self.key(name)].to_numpy(dtype=int), rng)
            else:
                numbers = encoded[self.key(name)].to_numpy(dtype=float).copy()
                if name in self.flagged:
                    numbers[encoded[self.key(name, flag=True)].to_numpy(dtype=int) == 1] = np.nan
                data[name] = numbers
        return pd.DataFrame(data, index=range(len(encoded)))


def is_code(key: str) -> bool:
    """Return whether an encoded column holds codes."""
    return key[0] in "mk"


def embed(encoded: pd.DataFrame, scales: pd.Series | None = None) -> tuple[np.ndarray, pd.Series]:
    """Place encoded rows in a space where Euclidean distance mixes numbers and mismatches.

    Parameters
    ----------
    encoded : DataFrame of shape (n_rows, n_encoded)
    scales : Series, optional
        Standard deviations of the numbers; those of `encoded` when None.

    Returns
    -------
    points : ndarray of shape (n_rows, n_dimensions)
        Numbers over their standard deviation; two different codes are 1 apart.
    scales : Series
    """
    numbers = [key for key in encoded if not is_code(key)]
    codes = [key for key in encoded if is_code(key)]
    if scales is None:
        deviations = encoded[numbers].std(ddof=0)
        scales = deviations.where(deviations > 0, 1.0)
    parts = [(encoded[numbers] / scales).to_numpy(dtype=float)]
    for key in codes:
        values = encoded[key].to_numpy(dtype=int)
        parts.append(np.eye(values.max(initial=0) + 1)[values] * np.sqrt(0.5))
    return np.hstack(parts).astype(np.float32), scales


def nearest(points: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the `k` nearest other rows of every row.

    Returns
    -------
    ndarray of shape (n_rows, k)
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=k, n_jobs=1).fit(points)
    return index.kneighbors(return_distance=False)  # without an argument a row is not its own neighbour

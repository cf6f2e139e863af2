"""Groups of people: the levels or parts of each sensitive column, and of each two of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from realmix.tasks.core.scores.slices import MAX_GROUPS, N_PARTS


@dataclass(frozen=True)
class Grouping:
    """Groups that share no row.

    Attributes
    ----------
    name : str
        The column, or two columns.
    labels : tuple of str
        One for each group, numbered by size: values of sensitive columns are never shown.
    codes : ndarray of int, shape (n_rows,)
        Group of each row; -1 for a level that the reference rows lack.
    """

    name: str
    labels: tuple[str, ...]
    codes: np.ndarray

    def sizes(self) -> np.ndarray:
        """Count the rows of each group, shape (n_groups,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.labels))


def groupings(
    values: pd.DataFrame, *, reference: pd.DataFrame | None = None, crossed: bool = True
) -> list[Grouping]:
    """Group rows by each column, and by each two columns together.

    Parameters
    ----------
    values : DataFrame of shape (n_rows, n_columns)
        Canonical sensitive columns.
    reference : DataFrame of shape (n_reference, n_columns), optional
        Rows that define the groups and their order; `values` itself when None.
    crossed : bool
        False for single columns only.

    Returns
    -------
    list of Grouping
        Of columns with at least two groups.

    Examples
    --------
    >>> rows = pd.DataFrame({"sex": ["f", "m", "f"], "ill": [0.0, 1.0, None]})
    >>> for found in groupings(rows):
    ...     print(found.name, found.codes.tolist(), found.labels[0])
    sex [0, 1, 0] sex: group 1 of 2
    ill [0, 1, 2] ill: group 1 of 3
    sex × ill [0, 4, 2] sex: group 1 of 2, ill: group 1 of 3
    """
    known = values if reference is None else reference
    found = [_of_column(values[name], known[name]) for name in values.columns]
    single = [each for each in found if len(each.labels) > 1]
    return single + ([_crossed(*pair) for pair in combinations(single, 2)] if crossed else [])


def _of_column(values: pd.Series, reference: pd.Series) -> Grouping:
    if reference.dtype == object or reference.nunique() <= N_PARTS:
        return _by_level(values, reference)
    return _by_part(values, reference)


def _by_level(values: pd.Series, reference: pd.Series) -> Grouping:
    """Group by levels, numbered by their size, a missing cell among them; those after the largest are one group."""
    counts = _texts(reference).value_counts()
    ranked = sorted(counts.index, key=lambda level: (-counts[level], level))
    kept = ranked if len(ranked) <= MAX_GROUPS else ranked[: MAX_GROUPS - 1]
    number = {level: min(place, len(kept)) for place, level in enumerate(ranked)}
    labels = [f"{values.name}: group {place} of {len(ranked)}" for place in range(1, len(kept) + 1)]
    if len(kept) < len(ranked):
        labels.append(f"{values.name}: the other {len(ranked) - len(kept)} groups")
    codes = _texts(values).map(number).fillna(-1).to_numpy(dtype=int)
    return Grouping(str(values.name), tuple(labels), codes)


def _by_part(values: pd.Series, reference: pd.Series) -> Grouping:
    """Group by parts of about equal size from the lowest, then missing cells; bounds would show values."""
    edges = np.unique(reference.quantile(np.arange(1, N_PARTS) / N_PARTS))
    n_parts = len(edges) + 1
    labels = [f"{values.name}: part {part} of {n_parts} from the lowest" for part in range(1, n_parts + 1)]
    codes = np.searchsorted(edges, values.to_numpy(dtype=float), side="left")
    is_missing = values.isna().to_numpy()
    if reference.isna().any():
        labels.append(f"{values.name}: missing")
    codes = np.where(is_missing, n_parts if reference.isna().any() else -1, codes)
    return Grouping(str(values.name), tuple(labels), codes)


def _crossed(one: Grouping, other: Grouping) -> Grouping:
    is_known = (one.codes >= 0) & (other.codes >= 0)
    return Grouping(
        f"{one.name} × {other.name}",
        tuple(f"{a}, {b}" for a in one.labels for b in other.labels),
        np.where(is_known, one.codes * len(other.labels) + other.codes, -1),
    )


def _texts(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "missing").map(str)


def joined(parts: Sequence[str]) -> str:
    """Join names as in a sentence.

    Examples
    --------
    >>> joined(["sex", "age", "city"])
    'sex, age and city'
    """
    return " and ".join([*([", ".join(parts[:-1])] if len(parts) > 1 else []), *parts[-1:]])

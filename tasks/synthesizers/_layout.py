"""The matrix that CTGAN and TVAE learn: scaled numbers, then one-hot spans of components and categories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.synthesizers._mixtures import Mixture, fit_mixture


@dataclass(frozen=True)
class Coded:
    """Rows in compact form; the one-hot matrix of the networks is made batch by batch.

    Attributes
    ----------
    numbers : ndarray of float32, shape (n_rows, n_numbers)
    positions : ndarray of int64, shape (n_rows, n_spans)
        Column of the matrix that holds the 1 of each span.
    """

    numbers: np.ndarray
    positions: np.ndarray


class Layout:
    """Columns of the matrix that CTGAN and TVAE learn; encodes tables and decodes matrices.

    The same content as ctgan's ``DataTransformer``, without its loop over rows and its worker
    processes: numbers come first, then the components of each, then the levels of each category.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        Complete numbers, and categories.
    discrete_columns : collection of str
        The categories.

    Attributes
    ----------
    mixtures : dict of str to Mixture
    levels : dict of str to ndarray
        In order of appearance.
    spans : list of int
        Sizes of the one-hot groups: those of `mixtures`, then those of `levels`.
    """

    def __init__(self, data: pd.DataFrame, discrete_columns: Collection[str]) -> None:
        self.dtypes = data.dtypes
        self.mixtures: dict[str, Mixture] = {}
        self.levels: dict[str, np.ndarray] = {}
        for name in data:
            if name in discrete_columns:
                self.levels[name] = np.asarray(data[name].unique())
            else:
                self.mixtures[name] = fit_mixture(data[name].to_numpy(dtype=float))
        self.spans = [mixture.n_kept for mixture in self.mixtures.values()]
        self.spans += [len(levels) for levels in self.levels.values()]

    @property
    def n_numbers(self) -> int:
        """Number of numeric columns."""
        return len(self.mixtures)

    @property
    def width(self) -> int:
        """Number of columns of the matrix."""
        return self.n_numbers + sum(self.spans)

    @property
    def starts(self) -> np.ndarray:
        """First column of each span."""
        return self.n_numbers + np.cumsum([0, *self.spans])[:-1].astype(int)

    def level_position(self, column: str, level: object) -> int:
        """Return the position of a level among the levels of all categories.

        Raises
        ------
        KeyError
            If the level was not seen when fitting.
        """
        place = 0
        for name, levels in self.levels.items():
            if name == column:
                return place + {value: code for code, value in enumerate(levels)}[level]
            place += len(levels)
        raise KeyError(column)

    def encode(self, data: pd.DataFrame, rng: np.random.Generator) -> Coded:
        """Scale numbers within components drawn by their probability, and code categories."""
        numbers = np.empty((len(data), self.n_numbers), dtype=np.float32)
        codes = np.empty((len(data), len(self.spans)), dtype=np.int64)
        for place, (name, mixture) in enumerate(self.mixtures.items()):
            numbers[:, place], codes[:, place] = mixture.encode(data[name].to_numpy(dtype=float), rng)
        for place, (name, levels) in enumerate(self.levels.items(), start=self.n_numbers):
            codes[:, place] = pd.Index(levels).get_indexer(data[name])
        return Coded(numbers, codes + self.starts)

    def decode(self, matrix: np.ndarray) -> pd.DataFrame:
        """Return rows of shape (n_rows, n_columns), from the numbers and the largest of each span."""
        data: dict[str, Any] = {}
        ends = self.starts + np.array(self.spans, dtype=int)
        codes = [matrix[:, a:b].argmax(axis=1) for a, b in zip(self.starts, ends, strict=True)]
        for place, (name, mixture) in enumerate(self.mixtures.items()):
            data[name] = mixture.decode(matrix[:, place].astype(float), codes[place])
        for place, (name, levels) in enumerate(self.levels.items(), start=self.n_numbers):
            data[name] = levels[codes[place]]
        return pd.DataFrame(data)[list(self.dtypes.index)].astype(self.dtypes)

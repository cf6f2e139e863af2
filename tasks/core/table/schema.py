"""One frozen schema for real, synthetic and holdout rows.

A *canonical* frame holds the modelled columns only (features, then the target): numbers and
dates as float64 with NaN for missing, everything else as ``object`` strings with None for
missing. All computation uses canonical frames; :meth:`Schema.restore` converts back to the
types of the file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.columns import Column, Role, aligned, canonical, restored, restored_constant

Task = Literal["binary", "multiclass", "regression"]
Direction = Literal["increasing", "decreasing"]


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
    forms : mapping of column name to form
        How the file wrote a column, where it is not the plain way; see
        :attr:`realmix.tasks.core.table.reading_report.ReadingReport.forms`.
    monotone : mapping of feature name to {"increasing", "decreasing"}
        How predictions (of two classes: the positive one's probability) must change where it rises.
    max_leaves : int or None
        Most leaves of a tree that people are to read.
    """

    columns: tuple[Column, ...]
    target: str
    task: Task
    classes: tuple[str, ...] = ()
    forms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    monotone: Mapping[str, Direction] = field(default_factory=dict)
    max_leaves: int | None = None

    @property
    def features(self) -> tuple[Column, ...]:
        """Columns that models see, in the order of the file."""
        return tuple(c for c in self.columns if c.is_feature)

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of the file."""
        return [c.name for c in self.features]

    @property
    def modelled(self) -> tuple[Column, ...]:
        """Features, then the target: the columns of a canonical frame."""
        return (*self.features, self[self.target])

    def signs(self, names: Sequence[str]) -> list[int]:
        """Return 1 for each increasing feature, -1 for each decreasing one, and 0 for the others.

        Parameters
        ----------
        names : sequence of str
        """
        sign_of = {"increasing": 1, "decreasing": -1}
        return [sign_of[self.monotone[name]] if name in self.monotone else 0 for name in names]

    @property
    def is_classification(self) -> bool:
        """True for binary and multiclass targets."""
        return self.task != "regression"

    @property
    def positive(self) -> str | None:
        """Positive class of a binary target, else None."""
        return self.classes[-1] if self.task == "binary" else None

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def with_role(self, role: Role) -> str | None:
        """Return the name of the column in this role, or None."""
        return next((c.name for c in self.columns if c.role == role), None)

    def apply(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Convert rows of the file to a canonical frame.

        Parameters
        ----------
        raw : DataFrame of shape (n_rows, n_columns)
            With every feature; the target may be absent. Other columns are left out.

        Returns
        -------
        DataFrame of shape (n_rows, n_modelled)
            Same index. Unknown levels stay: models treat them as missing.

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
        data = {c.name: canonical(raw[c.name], c) for c in wanted}
        return pd.DataFrame(data, index=raw.index)

    def canonical_columns(self, raw: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
        """Convert named columns of the file to canonical types, modelled or not.

        Parameters
        ----------
        raw : DataFrame of shape (n_rows, n_columns)
        names : sequence of str
            Columns that models do not see become numbers if their kind is numeric or datetime,
            otherwise text.

        Returns
        -------
        DataFrame of shape (n_rows, n_names)
        """
        return pd.DataFrame({name: canonical(raw[name], self[name]) for name in names}, index=raw.index)

    def restore(self, canonical: pd.DataFrame) -> pd.DataFrame:
        """Convert canonical rows to the columns, order and types of the file.

        Columns that are not modelled (keys, free text) become missing, except constants,
        which get their only value.
        """
        data = {}
        for column in self.columns:
            if column.name in canonical.columns:
                data[column.name] = restored(canonical[column.name], column)
            else:
                value = column.levels[0] if column.kind == "constant" and column.levels else None
                values = pd.Series([value] * len(canonical), index=canonical.index, dtype=object)
                data[column.name] = restored_constant(values, column)
        return pd.DataFrame(data, index=canonical.index)

    def align(self, synthetic: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
        """Restrict synthetic rows to the features, types, levels and ranges of the real ones.

        Parameters
        ----------
        synthetic : DataFrame of shape (n_synthetic, >= n_modelled)
            As the synthesizer returned them.
        reference : DataFrame of shape (n_real, n_modelled)
            Real training rows: numbers are clipped to their range and rounded in integer
            columns; levels that they lack become missing.

        Returns
        -------
        DataFrame of shape (n_synthetic, n_modelled)
            Canonical, with a fresh index. Rows whose target is missing or of an unknown
            class are dropped: the caller counts the rest.
        """
        data = {c.name: aligned(synthetic[c.name], reference[c.name], c) for c in self.modelled}
        frame = pd.DataFrame(data).reset_index(drop=True)
        return frame[frame[self.target].notna()].reset_index(drop=True)

    def encode_target(self, canonical: pd.DataFrame) -> np.ndarray:
        """Return class codes (int) in the order of `classes`, or the numbers (float).

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
        """Return targets as models take them.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or (n_rows,)
            One column per class; the numbers themselves for regression.
        """
        y = self.encode_target(canonical)
        return np.eye(len(self.classes))[y] if self.is_classification else y

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """Build a schema from what :meth:`to_dict` returned."""
        columns = tuple(Column(**{**c, "levels": tuple(c["levels"])}) for c in data["columns"])
        later = {name: data[name] for name in ("forms", "monotone", "max_leaves") if name in data}
        return cls(columns, data["target"], data["task"], tuple(data["classes"]), **later)

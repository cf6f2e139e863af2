"""Declarations for sharing synthetic rows: bins and budget of differential privacy, and rare combinations."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from realmix.tasks.core.table.frozen import Frozen

MAX_BINS = 1_000


class Bins(Frozen):
    """What may be known of a column without a look at its rows: its levels, or the edges of its bins.

    Attributes
    ----------
    values : tuple of str
        Levels of a category; other cells count as missing.
    edges : tuple of float or datetime
        Edges of the bins of a number or a date, ascending: the first is the lowest value and the last the highest,
        and cells beyond them count as these.
    whole : bool
        Whether drawn numbers are whole ones, and drawn dates whole days.
    missing : bool
        Whether drawn cells may be missing.
    """

    values: tuple[str, ...] = ()
    edges: tuple[float | datetime, ...] = ()
    whole: bool = False
    missing: bool = False

    @field_validator("values", mode="before")
    @classmethod
    def _as_labels(cls, values: Any) -> Any:
        """Accept labels written as numbers or truth values."""
        return [str(value) for value in values] if isinstance(values, list | tuple) else values

    @field_validator("edges", mode="before")
    @classmethod
    def _as_moments(cls, edges: Any) -> Any:
        """Accept dates without a time of day."""
        if not isinstance(edges, list | tuple):
            return edges
        is_day = [isinstance(edge, date) and not isinstance(edge, datetime) for edge in edges]
        return [
            datetime(edge.year, edge.month, edge.day) if day else edge
            for edge, day in zip(edges, is_day, strict=True)
        ]

    @model_validator(mode="after")
    def _is_one_kind(self) -> Bins:
        if bool(self.values) == bool(self.edges):
            raise ValueError("expected either `values` (levels) or `edges` (of bins)")
        if len(set(self.values)) < len(self.values):
            raise ValueError("a level stands twice in `values`")
        if self.edges and (len(self.edges) < 2 or not _is_rising(self.numbers)):
            raise ValueError("expected at least two `edges`, each above the one before")
        if max(len(self.values), len(self.edges)) > MAX_BINS:
            raise ValueError(f"expected at most {MAX_BINS:,} levels or edges: noise would drown them")
        return self

    @property
    def is_date(self) -> bool:
        """Whether the edges are dates."""
        return any(isinstance(edge, datetime) for edge in self.edges)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Edges as numbers; of dates, seconds since 1970."""
        start = datetime(1970, 1, 1)
        return tuple(
            (edge.replace(tzinfo=None) - start).total_seconds() if isinstance(edge, datetime) else edge
            for edge in self.edges
        )


class DifferentialPrivacy(Frozen):
    """Budget and public knowledge of the synthesizer `dp`.

    Attributes
    ----------
    epsilon : float
        Of one fit: how much one row may change what comes out; smaller is more private.
    delta : float
        Probability with which `epsilon` may fail; well below one in the number of rows.
    rows : {"charged", "public"}
        Whether the number of rows is measured with noise within `epsilon`, or known to everybody anyway.
    columns : mapping of column to Bins
        All columns that are drawn, the target among them.
    """

    epsilon: float = Field(gt=0, le=100)
    delta: float = Field(default=1e-6, gt=0, le=1e-3)
    rows: Literal["charged", "public"] = "charged"
    columns: dict[str, Bins] = Field(min_length=2)


class Sharing(Frozen):
    """What a synthetic table must not show when it is shared.

    Attributes
    ----------
    min_rows : int
        Combinations of levels, and numbers, that fewer real rows have are not shown.
    identifying : tuple of str
        Columns by which somebody may know a person; the sensitive ones and slices are added.
    """

    min_rows: int = Field(default=5, ge=2, le=1_000)
    identifying: tuple[str, ...] = ()


def _is_rising(numbers: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(numbers))

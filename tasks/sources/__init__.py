"""Sources of real rows: one file per kind of source."""

from __future__ import annotations

from typing import Any

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import Source, SourceSpec

SOURCES: Registry[SourceSpec] = Registry(
    "realmix.tasks.sources", "source", SourceSpec, group="realmix.sources"
)


def open_source(location: Any) -> Source:
    """Choose the kind of source by its location; nothing is read yet.

    Parameters
    ----------
    location : str or dataframe
        A path, ``bundled:NAME``, ``sql:TABLE``, ``sql:SELECT ...`` or ``scheme://...``.

    Raises
    ------
    BadInput
        If the location is of a known kind but cannot be understood.

    Examples
    --------
    >>> open_source("bundled:bank_marketing").describe()["kind"]
    'bundled'
    """
    kinds = sorted(SOURCES.values(), key=lambda spec: spec.order)
    return next(spec for spec in kinds if spec.matches(location)).build(location)

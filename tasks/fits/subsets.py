"""Subsets of a fold's training rows, each a scope of its own, for the learning curve of real rows only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, nested_subsets
from realmix.tasks.fits.scope import TRAINING, VALIDATION, Scope, write_scope


def cut_subsets(fold: Path) -> list[int]:
    """Write the scopes of all smaller shares of a fold, nested, with the fold's validation rows.

    Parameters
    ----------
    fold : Path
        Of the fold's scope; the new scopes, named by :func:`subset_name`, lie beside it.

    Returns
    -------
    list of int
        Numbers of rows of each of `CURVE_SHARES`, the whole fold included.
    """
    scope = Scope(fold)
    schema, rows, groups = scope.context.schema, scope.training, scope.groups
    strata = schema.encode_target(rows) if schema.is_classification else np.zeros(len(rows), dtype=int)
    subsets = nested_subsets(strata, groups, CURVE_SHARES, seed=scope.seed("curve"))
    positions, validation = scope.read_array(TRAINING), scope.read_array(VALIDATION)
    for share, chosen in zip(CURVE_SHARES[:-1], subsets[:-1], strict=True):
        write_scope(fold.parent / subset_name(scope.name, share), positions[chosen], validation)
    return [len(chosen) for chosen in subsets]


def subset_name(scope: str, share: float) -> str:
    """Name the scope that holds a share of a fold's training rows.

    Examples
    --------
    >>> subset_name("fold-0-3", 0.5)
    'fold-0-3-50pct'
    """
    return f"{scope}-{100 * share:.0f}pct"

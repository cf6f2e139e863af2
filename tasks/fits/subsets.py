"""Subsets of a fold's training rows, each a scope of its own, for the learning curve of real rows only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, nested_subsets
from realmix.tasks.fits.scope import Scope, write_scope


def cut_subsets(folder: str, into: str) -> list[int]:
    """Write the scopes of all smaller shares of a fold, nested, with the fold's validation rows.

    Parameters
    ----------
    folder : str
        Of the fold's scope.
    into : str
        Folder for the new scopes, named by :func:`subset_name`, with the study's context.

    Returns
    -------
    list of int
        Numbers of rows of each of `CURVE_SHARES`, the whole fold included.
    """
    fold, target = Scope(Path(folder)), Path(into)
    schema, rows, weight, groups = fold.context.schema, fold.training, fold.base_weight, fold.groups
    strata = schema.encode_target(rows) if schema.is_classification else np.zeros(len(rows), dtype=int)
    subsets = nested_subsets(strata, groups, CURVE_SHARES, seed=fold.seed("curve"))
    for share, chosen in zip(CURVE_SHARES[:-1], subsets[:-1], strict=True):
        place = target / subset_name(fold.name, share)
        write_scope(place, rows.iloc[chosen], weight[chosen], groups[chosen], fold.validation)
    return [len(chosen) for chosen in subsets]


def subset_name(scope: str, share: float) -> str:
    """Name the scope that holds a share of a fold's training rows.

    Examples
    --------
    >>> subset_name("fold-0-3", 0.5)
    'fold-0-3-50pct'
    """
    return f"{scope}-{100 * share:.0f}pct"

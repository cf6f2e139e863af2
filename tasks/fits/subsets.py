"""Subsets of a fold's training rows, each a scope of its own, for the learning curve of real rows only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, SLICE_SHARES, nested_subsets
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
    subsets = nested_subsets(_strata(scope), scope.groups, CURVE_SHARES, seed=scope.seed("curve"))
    positions, validation = scope.read_array(TRAINING), scope.read_array(VALIDATION)
    for share, chosen in zip(CURVE_SHARES[:-1], subsets[:-1], strict=True):
        write_scope(fold.parent / subset_name(scope.name, share), positions[chosen], validation)
    return [len(chosen) for chosen in subsets]


def thin_slice(fold: Path, number: int, rows: np.ndarray) -> list[int]:
    """Write the scopes of a fold with smaller shares of a slice's training rows, nested, and all other rows.

    Parameters
    ----------
    fold : Path
        Of the fold's scope; the new scopes, named by :func:`thinned_name`, lie beside it.
    number : int
        Of the slice.
    rows : ndarray of int
        Positions of the slice's rows among the development rows.

    Returns
    -------
    list of int
        Numbers of rows of the slice at each of `SLICE_SHARES`; without any, no scope is written.
    """
    scope = Scope(fold)
    positions, validation = scope.read_array(TRAINING), scope.read_array(VALIDATION)
    in_slice = np.isin(positions, rows)
    members, others = np.flatnonzero(in_slice), np.flatnonzero(~in_slice)
    if not len(members):
        return [0] * len(SLICE_SHARES)
    seed = scope.seed("slice", number)
    subsets = nested_subsets(_strata(scope)[members], scope.groups[members], SLICE_SHARES, seed=seed)
    for share, chosen in zip(SLICE_SHARES[:-1], subsets[:-1], strict=True):
        kept = np.sort(np.concatenate([others, members[chosen]]))
        write_scope(fold.parent / thinned_name(scope.name, number, share), positions[kept], validation)
    return [len(chosen) for chosen in subsets]


def _strata(scope: Scope) -> np.ndarray:
    """Return the classes of the training rows; zeros for regression."""
    schema, rows = scope.context.schema, scope.training
    return schema.encode_target(rows) if schema.is_classification else np.zeros(len(rows), dtype=int)


def subset_name(scope: str, share: float) -> str:
    """Name the scope that holds a share of a fold's training rows.

    Examples
    --------
    >>> subset_name("fold-0-3", 0.5)
    'fold-0-3-50pct'
    """
    return f"{scope}-{100 * share:.0f}pct"


def thinned_name(scope: str, number: int, share: float) -> str:
    """Name the scope in which a share of a slice's training rows is left.

    Examples
    --------
    >>> thinned_name("fold-0-3", 1, 0.5)
    'fold-0-3-slice-1-50pct'
    """
    return subset_name(f"{scope}-slice-{number}", share)

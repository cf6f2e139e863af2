"""Scopes of rows that a test makes up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.tasks.fits.scope import (
    DEVELOPMENT,
    GROUP,
    PRIORITY,
    TRAINING,
    WEIGHT,
    Scope,
    stored_rows,
    write_rows,
    write_scope,
)


def scope_of(
    folder: Path,
    training: pd.DataFrame,
    weight: np.ndarray,
    groups: np.ndarray,
    validation: pd.DataFrame | None = None,
) -> Scope:
    """Add rows to the development rows beside a scope, and write the scope of just these."""
    held = training.iloc[:0] if validation is None else validation
    rows = [pd.concat([training, held], ignore_index=True)]
    beside = {
        WEIGHT: [np.concatenate([weight, np.ones(len(held))])],
        GROUP: [np.concatenate([groups, -1 - np.arange(len(held))])],
        PRIORITY: [np.zeros(len(rows[0]))],
    }
    path = folder.parent / DEVELOPMENT
    if path.exists():
        before = stored_rows(path)
        rows.insert(0, before.rows)
        for name, values in beside.items():
            values.insert(0, before.beside[name])
    start = len(rows[0]) if len(rows) > 1 else 0
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, pd.concat(rows), **{name: np.concatenate(values) for name, values in beside.items()})
    positions = start + np.arange(len(training) + len(held))
    validated = None if validation is None else positions[len(training) :]
    return write_scope(folder, positions[: len(training)], validated)


def change_rows(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change the development rows beside a scope."""
    path = folder.parent / DEVELOPMENT
    stored = stored_rows(path)
    write_rows(path, change(stored.rows), **stored.beside)


def set_beside(scope: Scope, **columns: np.ndarray) -> None:
    """Give the training rows of a scope other weights or groups."""
    path = scope.folder.parent / DEVELOPMENT
    stored = stored_rows(path)
    beside = {name: np.array(values) for name, values in stored.beside.items()}
    for name, values in columns.items():
        beside[name] = beside[name].astype(values.dtype)
        beside[name][scope.read_array(TRAINING)] = values
    write_rows(path, stored.rows, **beside)

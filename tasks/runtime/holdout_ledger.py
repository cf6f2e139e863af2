"""Count the decisions that each holdout row has served: the more, the less a good score on it means."""

from __future__ import annotations

import numpy as np

from realmix.tasks.runtime.database import transaction


def count_holdout_reads(registration: str, reader: str, units: np.ndarray) -> np.ndarray:
    """Count one more decision that holdout rows have served, and return how many there were.

    Parameters
    ----------
    registration : str
        Of the holdout's rule.
    reader : str
        What decides; the same reader counts once, however often it is run.
    units : ndarray of uint64, shape (n_rows,)
        See :func:`realmix.tasks.core.splits.holdout.hash_units`; rows of one unit count together.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Decisions each row has served, this one included, >= 1.
    """
    distinct, place = np.unique(units.astype(np.uint64).view(np.int64), return_inverse=True)
    with transaction() as database:
        added = database.execute(
            "INSERT OR IGNORE INTO holdout_readers VALUES (?, ?)", (registration, reader)
        ).rowcount
        database.executemany(
            "INSERT INTO holdout_reads VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n_reads = n_reads + ?",
            ((registration, unit, added) for unit in distinct.tolist()),
        )
        found = dict(
            database.execute(
                "SELECT unit, n_reads FROM holdout_reads WHERE registration = ?", (registration,)
            )
        )
    counts: np.ndarray = np.array([found[unit] for unit in distinct.tolist()])[place]
    return counts

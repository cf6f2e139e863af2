"""Count the decisions that each holdout row has served: the more, the less a good score on it means."""

from __future__ import annotations

import numpy as np
from sqlalchemy import select, text

from realmix.tasks.runtime.state_connection import insert, transaction
from realmix.tasks.runtime.state_tables import holdout_readers, holdout_reads


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
    readers, reads = holdout_readers, holdout_reads
    ones = [{"registration": registration, "unit": unit, "n_reads": 1} for unit in distinct.tolist()]
    with transaction() as state:
        new = insert(state, readers).values(registration=registration, reader=reader).on_conflict_do_nothing()
        is_new = bool(state.execute(new).rowcount)
        count = insert(state, reads)
        state.execute(
            count.on_conflict_do_update(
                index_elements=["registration", "unit"], set_={"n_reads": reads.c.n_reads + text("1")}
            )
            if is_new
            else count.on_conflict_do_nothing(),
            ones,
        )
        found = dict(
            state.execute(select(reads.c.unit, reads.c.n_reads).where(reads.c.registration == registration))
            .tuples()
            .all()
        )
    counts: np.ndarray = np.array([found[unit] for unit in distinct.tolist()])[place]
    return counts

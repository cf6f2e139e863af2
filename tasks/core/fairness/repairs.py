"""Two repairs of unequal groups: weights that part class and group, and synthetic rows for the rare cells.

A cell is a group and a class together. Neither repair uses the group when the model is served.
"""

from __future__ import annotations

import numpy as np

REWEIGHED, RAISED = "reweighed", "raised"


def reweigh(cells: np.ndarray, n_classes: int, weight: np.ndarray) -> np.ndarray:
    """Weigh rows so that class and group are independent of each other.

    Parameters
    ----------
    cells : ndarray of int, shape (n_rows,)
        ``group * n_classes + class`` of each row.
    n_classes : int
    weight : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_rows,)
        Groups and classes keep their total weight.

    References
    ----------
    Kamiran, Calders 2012, https://doi.org/10.1007/s10115-011-0463-8

    Examples
    --------
    >>> cells = np.array([0, 0, 0, 1, 2, 3])  # group 0 has one positive of four, group 1 one of two
    >>> reweigh(cells, 2, np.ones(6)).round(2).tolist()
    [0.89, 0.89, 0.89, 1.33, 1.33, 0.67]
    """
    group, label = np.divmod(cells, n_classes)
    total = weight.sum()
    of_group, of_label = np.bincount(group, weights=weight), np.bincount(label, weights=weight)
    expected = of_group[group] * of_label[label] / total
    weighed: np.ndarray = weight * expected / np.bincount(cells, weights=weight)[cells]
    return weighed


def raise_rare(real: np.ndarray, pool: np.ndarray, n_synthetic: int) -> np.ndarray:
    """Choose synthetic rows so that the rarest cells are raised first, as far as the pool has rows of them.

    Parameters
    ----------
    real : ndarray of int, shape (n_real,)
        Cell of each real training row.
    pool : ndarray of int, shape (n_pool,)
        Cell of each row of the pool; -1 for none.
    n_synthetic : int

    Returns
    -------
    ndarray of int
        Positions in the pool, in its order: `n_synthetic` of them, or all rows that have a cell.

    Examples
    --------
    >>> raise_rare(np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1, 1]), 3).tolist()
    [0, 1, 3]
    """
    n_cells = max(int(real.max(initial=0)), int(pool.max(initial=0))) + 1
    level = np.bincount(real, minlength=n_cells)
    places = [np.flatnonzero(pool == cell) for cell in range(n_cells)]
    # The k-th row of a cell lifts it to a height; the lowest heights are taken first.
    height = np.concatenate([level[cell] + np.arange(len(rows)) for cell, rows in enumerate(places)])
    order = np.concatenate(places)[np.argsort(height, kind="stable")]
    chosen: np.ndarray = np.sort(order[:n_synthetic])
    return chosen

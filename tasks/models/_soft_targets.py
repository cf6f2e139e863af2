"""Soft targets for learners that take hard ones: a row per class, weighted by its probability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class HardTargets(NamedTuple):
    """Rows, targets and weights that say the same as the soft targets.

    Attributes
    ----------
    rows : ndarray of int, shape (n_expanded,)
        Row of the training set each entry stands for.
    y : ndarray of shape (n_expanded,)
        Class code (int), or the standardised number.
    sample_weight : ndarray of shape (n_expanded,)
    """

    rows: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray


class TargetScale(NamedTuple):
    """Mean and deviation of a regression's target."""

    mean: float
    scale: float


def expand_classes(y_proba: np.ndarray, sample_weight: np.ndarray) -> HardTargets:
    """Repeat each row per class with weight probability * weight.

    Entries of no weight are left out and the order of rows is kept, so hard labels come
    back as the plain rows themselves.

    Parameters
    ----------
    y_proba : ndarray of shape (n_rows, n_classes)
        Rows sum to 1.
    sample_weight : ndarray of shape (n_rows,)

    References
    ----------
    Bucila, Caruana, Niculescu-Mizil 2006, doi:10.1145/1150402.1150464

    Examples
    --------
    >>> soft = expand_classes(np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([1.0, 2.0]))
    >>> soft.rows.tolist(), soft.y.tolist(), soft.sample_weight.tolist()
    ([0, 1, 1], [0, 0, 1], [1.0, 0.5, 1.5])
    """
    weights = y_proba * sample_weight[:, None]
    rows, codes = np.nonzero(weights > 0)
    return HardTargets(rows, codes, weights[rows, codes])


def standardise(y: np.ndarray, sample_weight: np.ndarray) -> tuple[HardTargets, TargetScale]:
    """Centre and scale a regression's target; rows of no weight are left out.

    Parameters
    ----------
    y, sample_weight : ndarray of shape (n_rows,)

    Returns
    -------
    HardTargets, TargetScale
        ``y * scale + mean`` undoes it; a constant target has scale 1.
    """
    rows = np.flatnonzero(sample_weight > 0)
    kept, weights = y[rows].astype(float), sample_weight[rows].astype(float)
    mean = float(np.average(kept, weights=weights))
    scale = float(np.sqrt(np.average((kept - mean) ** 2, weights=weights))) or 1.0
    return HardTargets(rows, (kept - mean) / scale, weights), TargetScale(mean, scale)

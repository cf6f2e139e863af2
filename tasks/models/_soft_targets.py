"""Soft targets in the shapes that libraries accept: repeated rows per class, or shares of one class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Targets(NamedTuple):
    """Rows, targets and weights that are equivalent to soft targets.

    Attributes
    ----------
    rows : ndarray of int, shape (n_expanded,)
        Row of the training set that each entry comes from.
    y : ndarray of shape (n_expanded,)
        Class code (int), share of the positive class in [0, 1], or the standardised number.
    sample_weight : ndarray of shape (n_expanded,)
    """

    rows: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray


class TargetScale(NamedTuple):
    """Mean and standard deviation of a numeric target."""

    mean: float
    scale: float


def expand_classes(y_proba: np.ndarray, sample_weight: np.ndarray) -> Targets:
    """Repeat each row once per class, weighted by probability * weight.

    Entries of zero weight are dropped and the order of rows stays, so hard labels return the
    rows unchanged.

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
    return Targets(rows, codes, weights[rows, codes])


def positive_shares(y_proba: np.ndarray, sample_weight: np.ndarray) -> Targets:
    """Return the probability of the second of two classes; rows of zero weight are dropped.

    A logistic loss on a share has the gradient and the curvature of two weighted rows, with half
    as many rows.

    Parameters
    ----------
    y_proba : ndarray of shape (n_rows, 2)
    sample_weight : ndarray of shape (n_rows,)

    Examples
    --------
    >>> positive_shares(np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([1.0, 2.0])).y.tolist()
    [0.0, 0.75]
    """
    rows = np.flatnonzero(sample_weight > 0)
    return Targets(rows, np.clip(y_proba[rows, 1], 0, 1), sample_weight[rows].astype(float))


def standardise(y: np.ndarray, sample_weight: np.ndarray) -> tuple[Targets, TargetScale]:
    """Centre and scale a numeric target; rows of zero weight are dropped.

    Parameters
    ----------
    y, sample_weight : ndarray of shape (n_rows,)

    Returns
    -------
    Targets, TargetScale
        ``y * scale + mean`` undoes it; a constant target has scale 1.
    """
    rows = np.flatnonzero(sample_weight > 0)
    numbers, weights = y[rows].astype(float), sample_weight[rows].astype(float)
    mean = float(np.average(numbers, weights=weights))
    scale = float(np.sqrt(np.average((numbers - mean) ** 2, weights=weights))) or 1.0
    return Targets(rows, (numbers - mean) / scale, weights), TargetScale(mean, scale)

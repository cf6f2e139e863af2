"""The class shares of a teacher's labels, repaired: their mean on rows of the population is the class prior."""

from __future__ import annotations

import numpy as np

# A class that the teacher excludes can still be raised.
SMALLEST_PROBABILITY = 1e-7


def repair_priors(labels: np.ndarray, drawn: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Shift a teacher's labels of a pool so that their mean is the class prior of the real rows.

    The mean is taken over the pool with its classes weighed as among the real rows, however many rows of
    each were drawn. So a pool with a raised rare class gets the same shift: its rows are of other places,
    and the teacher's odds there are right as they are. (Shifted until their mean was the raised share, labels
    of six tables with a class of 10 % made the log-loss of XGBoost 34 to 62 % worse.)

    Parameters
    ----------
    labels : ndarray of shape (n_rows, n_classes)
        Class probabilities.
    drawn : ndarray of int, shape (n_rows,)
        Class that each row was drawn as.
    totals : ndarray of shape (n_classes,)
        Weight of the real training rows per class.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)

    Examples
    --------
    >>> labels = np.array([[0.9, 0.1], [0.5, 0.5]])
    >>> repair_priors(labels, np.array([0, 1]), np.array([30, 30])).round(2).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    prior = totals / totals.sum()
    counts = np.bincount(drawn, minlength=len(prior))
    return shift_to_prior(labels, prior, (prior / np.maximum(counts, 1))[drawn])


def shift_to_prior(labels: np.ndarray, prior: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Add one constant per class to the log-probabilities of soft labels, so that their mean is a prior.

    Parameters
    ----------
    labels : ndarray of shape (n_rows, n_classes)
        Class probabilities.
    prior : ndarray of shape (n_classes,)
        Shares of the classes; sums to 1. A class of share 0 gets no probability.
    row_weight : ndarray of shape (n_rows,)
        Of each row in the mean.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Rows sum to 1, and their weighted mean is `prior`.

    References
    ----------
    Saerens, Latinne, Decaestecker 2002, https://doi.org/10.1162/089976602753284446
    """
    if not row_weight.any():
        return labels
    wanted = prior > 0
    logits = np.log(np.maximum(labels[:, wanted], SMALLEST_PROBABILITY))
    shifted = np.zeros_like(labels, dtype=float)
    shifted[:, wanted] = _softmax(logits + _offsets(logits, prior[wanted], row_weight / row_weight.sum()))
    return shifted


def _offsets(logits: np.ndarray, shares: np.ndarray, row_share: np.ndarray) -> np.ndarray:
    """Minimise the convex function whose gradient is the mean label less the wanted shares."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    def excess(offsets: np.ndarray) -> tuple[float, np.ndarray]:
        moved = logits + offsets
        value = row_share @ logsumexp(moved, axis=1) - shares @ offsets
        return float(value), row_share @ _softmax(moved) - shares

    options = {"gtol": 1e-8, "ftol": 1e-15, "maxiter": 500}
    found: np.ndarray = minimize(
        excess, np.zeros(len(shares)), jac=True, method="L-BFGS-B", options=options
    ).x
    return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    found: np.ndarray = softmax(logits, axis=1)
    return found

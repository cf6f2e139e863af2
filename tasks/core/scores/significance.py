"""Corrected significance tests over folds and arms, and the smallest gain the rows could prove."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.errors import BadInput

SIGNIFICANCE_LEVEL = 0.05
# z_.80: what is provable is found in four of five studies.
POWER_QUANTILE = 0.8416
# Critical value of the test of the default recipes of all learners before any arm was run. In ten runs of the
# panel it was 2.1 to 2.5, at the median 2.4.
EXPECTED_CRITICAL = 2.4


@dataclass(frozen=True)
class CorrectedT:
    """Result of the corrected resampled t-test.

    Attributes
    ----------
    mean, standard_error : float
    t : float
    df : int
    p_value : float
        Two-sided where the mean is positive, 1 otherwise: only a gain can be significant.
    interval : tuple of float
        Two-sided 90 % interval of the mean; its lower bound is a one-sided 95 % bound.
    """

    mean: float
    standard_error: float
    t: float
    df: int
    p_value: float
    interval: tuple[float, float]


def variance_factor(n_folds: int, *, n_validation: float, n_train: float) -> float:
    """Return ``1/J + n_val/n_train``: variance of a mean over J overlapping folds, per fold variance.

    References
    ----------
    Nadeau, Bengio 2003, https://doi.org/10.1023/A:1024068626366

    Examples
    --------
    >>> round(variance_factor(15, n_validation=20, n_train=80), 4)
    0.3167
    """
    return 1 / n_folds + n_validation / n_train


def widening_factor(n_folds: int, *, n_validation: float, n_train: float, n_rows: int) -> float:
    """Return how much wider than the row bootstrap an interval must be, >= 1.

    One pass over the rows holds ``n_rows / n_validation`` folds, so a bootstrap of the rows
    covers the variance of one fold divided by that number; the corrected variance is
    ``variance_factor`` times it. The ratio's square root is the factor.

    Examples
    --------
    >>> round(widening_factor(15, n_validation=20, n_train=80, n_rows=100), 3)
    1.258
    """
    passes = n_rows / n_validation
    return max(1.0, math.sqrt(passes * variance_factor(n_folds, n_validation=n_validation, n_train=n_train)))


def corrected_resampled_t(differences: np.ndarray, *, n_validation: float, n_train: float) -> CorrectedT:
    """Test whether the mean of paired fold differences is above zero.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,)
        Positive = better.
    n_validation, n_train : float
        Rows per fold.

    Raises
    ------
    BadInput
        If there are fewer than 2 folds.

    References
    ----------
    Nadeau, Bengio 2003, https://doi.org/10.1023/A:1024068626366
    """
    from scipy import stats

    n_folds = len(differences)
    if n_folds < 2:
        raise BadInput(f"Got {n_folds} validation fold; a paired test needs at least 2. Use more folds.")
    mean, df = float(np.mean(differences)), n_folds - 1
    factor = variance_factor(n_folds, n_validation=n_validation, n_train=n_train)
    error = math.sqrt(factor * float(np.var(differences, ddof=1)))
    t = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    p_value = float(2 * stats.t.sf(t, df)) if t > 0 else 1.0
    reach = float(stats.t.ppf(0.95, df)) * error
    return CorrectedT(mean, error, t, df, p_value, (mean - reach, mean + reach))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of tests (Holm 1979, https://www.jstor.org/stable/4615733).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[int(position)] = largest
    return adjusted


def max_deviations(drawn_gains: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Return how far the luckiest arm of each draw deviates although no arm has a gain.

    The draws are centred on the observed gains, so that no arm has one; deviations are in standard errors.

    Parameters
    ----------
    drawn_gains : ndarray of shape (n_draws, n_arms)
        Gains over the incumbent on bootstrap draws.
    gains : ndarray of shape (n_arms,)
        Gains on all rows.

    Returns
    -------
    ndarray of shape (n_draws,)
        0 where no arm varies.

    References
    ----------
    White 2000, A reality check for data snooping, https://doi.org/10.1111/1468-0262.00152
    """
    error = drawn_gains.std(axis=0, ddof=1)
    moving = error > 0
    deviations: np.ndarray = (drawn_gains[:, moving] - gains[moving]) / error[moving]
    return deviations.max(axis=1) if moving.any() else np.zeros(len(drawn_gains))


def max_statistic_p(deviations: np.ndarray, gain: float, standard_error: float) -> float:
    """Return the probability that the best of all arms looks this good although none is.

    Parameters
    ----------
    deviations : ndarray of shape (n_draws,)
        From :func:`max_deviations`.
    gain, standard_error : float
        Of the tested arm; the error allows for the variance of training sets.

    Returns
    -------
    float
        In (0, 1].
    """
    if gain <= 0 or standard_error == 0:
        return 1.0
    exceed = int((deviations >= gain / standard_error).sum())
    return (1 + exceed) / (1 + len(deviations))


def critical_value(deviations: np.ndarray, level: float = SIGNIFICANCE_LEVEL) -> float:
    """Return the standard errors that a gain needs for :func:`max_statistic_p` to be at most `level`."""
    return float(np.quantile(deviations, 1 - level))


def smallest_provable_gain(
    standard_error: float, *, margin: float, critical: float = EXPECTED_CRITICAL
) -> float:
    """Return the gain that the test over all arms finds with 80 % power; never below the margin.

    Parameters
    ----------
    standard_error : float
        Of a gain, for the variance of training sets too: measured, or expected before a race.
    margin : float
        Smallest gain that matters: no smaller one is ever called proven.
    critical : float
        Standard errors that the test asks for, see :func:`critical_value`.

    Examples
    --------
    >>> round(smallest_provable_gain(0.01, margin=0.005), 4)
    0.0324
    """
    return max(margin, (critical + POWER_QUANTILE) * standard_error)


def rows_to_prove(gain: float, *, provable: float, n_rows: int) -> int | None:
    """Return the real rows that would prove `gain`, if it stayed the same; None if it is no gain.

    The smallest provable gain shrinks with the square root of the rows.

    Examples
    --------
    >>> rows_to_prove(0.01, provable=0.02, n_rows=500)
    2000
    """
    if gain <= 0:
        return None
    return max(n_rows, math.ceil(n_rows * (provable / gain) ** 2))

"""The learning curve of real only beyond the measured rows: a power law, and how uncertain it is.

The distance of the score from the best possible one, after ``n`` rows, is taken as

``error(n) = level * (1 - share + share * ((n / n_max + delay) / (1 + delay)) ** -exponent)``

a power law with a floor that more rows do not reach, and a delay for models that learn little from their first
rows: the four parameters that fit most tables best (Viering, Loog 2023, https://doi.org/10.1109/TPAMI.2022.3220744;
Mohr et al. 2022, LCDB, https://doi.org/10.1007/978-3-031-26419-1_1). Five sizes rarely identify them, so no best
curve is chosen: all curves of a grid are kept, each with the chance that it is the true one, and where the measured
scores do not decide, the interval is wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.scores.out_of_fold import gains

# Beyond this multiple of the largest measured size, a curve is a guess.
MAX_EXTRAPOLATION = 4.0
EXPONENTS = np.geomspace(0.05, 2.5, 30)
SHARES = (np.arange(50) + 0.5) / 50
DELAYS = np.array([0.0, 0.1, 0.3, 1.0, 3.0])
# Normal, of the exponent's logarithm: 1/2 to 1 where a model can be true, less where none is (Viering, Loog 2023).
EXPONENT_PRIOR = (math.log(0.6), 0.7)
# Normal, of the logarithm of the error's fall with twice the rows: 4 % at 400 rows, less with their square root.
# Measured for linear models and boosted trees on the panel's method half at 300 and 1,000 rows (standard deviation
# 0.8, power -0.55); on its other half they fell alike, and so did slices with twice their own rows.
TYPICAL_FALL, TYPICAL_ROWS, FALL_POWER, FALL_STD = 0.04, 400.0, -0.5, 1.0
# No curve follows a law more closely than to this share of its level, however well the folds agree.
SMALLEST_NOISE = 0.008


@dataclass(frozen=True)
class PowerLaw:
    """All power laws that the measured scores allow, each with its chance.

    Attributes
    ----------
    metric : MetricSpec
    n_max : float
        Rows at the largest measured size.
    level, share, exponent, delay, chance : ndarray of shape (n_laws,)
        Of each law; `chance` sums to 1.
    """

    metric: MetricSpec
    n_max: float
    level: np.ndarray
    share: np.ndarray
    exponent: np.ndarray
    delay: np.ndarray
    chance: np.ndarray

    def scores(self, n_rows: float) -> np.ndarray:
        """Return the score of each law after `n_rows`, in the metric's units: shape (n_laws,)."""
        error = self.level * _shape(self.share, self.exponent, self.delay, n_rows / self.n_max)
        best = best_possible(self.metric)
        return best - error if self.metric.greater_is_better else best + error

    def gain(self, n_from: float, n_to: float) -> np.ndarray:
        """Return the gain of each law by more rows, in the units of all gains: shape (n_laws,)."""
        return gains(self.metric, self.scores(n_to), self.scores(n_from))

    def quantiles(self, values: np.ndarray, levels: Sequence[float]) -> list[float]:
        """Return quantiles of what follows from each law, shape (n_laws,), by the laws' chances."""
        order = np.argsort(values, kind="stable")
        below = np.cumsum(self.chance[order])
        places = np.minimum(np.searchsorted(below, levels), len(order) - 1)
        return [float(values[order[place]]) for place in places]

    def chance_below(self, values: np.ndarray, bound: float) -> float:
        """Return the chance that what follows from each law is below a bound."""
        return min(float(self.chance[values < bound].sum()), 1.0)

    def is_guess(self, n_rows: float) -> bool:
        """Whether `n_rows` lie too far beyond the measured sizes for more than a guess."""
        return n_rows > MAX_EXTRAPOLATION * self.n_max


def best_possible(metric: MetricSpec) -> float:
    """Return the metric's value for perfect predictions.

    Raises
    ------
    BadInput
        If it is infinite: the distance from it has no power law.
    """
    best = metric.bounds[1] if metric.greater_is_better else metric.bounds[0]
    if not math.isfinite(best):
        raise BadInput(
            f"The metric {metric.name} has no best possible value, so its learning curve cannot be continued. "
            "Give it bounds, or choose another metric."
        )
    return best


def fit_power_law(
    n_rows: np.ndarray, scores: np.ndarray, metric: MetricSpec, *, n_fitted: float, overlap: float
) -> PowerLaw:
    """Weigh all power laws by the scores on nested subsets.

    Folds differ in difficulty, alike at every size: what errs is what is left when fold and size are removed. Its
    variance is that of Nadeau and Bengio, whose factor allows for training sets that overlap; as few folds tell it,
    laws are weighed by Student's t.

    Parameters
    ----------
    n_rows : ndarray of shape (n_sizes,)
        Rising; where only rows of a slice were left out, those of the slice.
    scores : ndarray of shape (n_sizes, n_folds)
        In the metric's units.
    metric : MetricSpec
    n_fitted : float
        All training rows of the largest fits: the more, the less is to be expected of further ones.
    overlap : float
        Validation rows of a fold per training row.

    Raises
    ------
    BadInput
        If the metric has no best value, or all scores are that value.

    References
    ----------
    Nadeau, Bengio 2003, https://doi.org/10.1023/A:1024068626366

    Examples
    --------
    >>> from realmix.tasks.metrics import METRICS
    >>> n_rows = np.array([400.0, 566.0, 800.0, 1131.0, 1600.0])
    >>> scores = (0.2 + 4 / np.sqrt(n_rows))[:, None] + np.array([-0.01, 0.0, 0.01])
    >>> law = fit_power_law(n_rows, scores, METRICS["log_loss"], n_fitted=1600, overlap=0.25)
    >>> truth = 1 - (0.2 + 4 / 3200**0.5) / (0.2 + 4 / 1600**0.5)
    >>> low, median, high = law.quantiles(law.gain(1600, 3200), (0.1, 0.5, 0.9))
    >>> low < truth < high, abs(median - truth) < 0.02
    (True, True)
    """
    error = np.abs(scores - best_possible(metric))
    if not error.any():
        raise BadInput(f"All scores in {metric.name} are perfect: more rows have nothing to gain.")
    measured, weight = error.mean(axis=1), 1 / _variances(error, overlap)
    grid = np.meshgrid(SHARES, EXPONENTS, DELAYS, indexing="ij")
    share, exponent, delay = (each.ravel() for each in grid)
    shapes = np.stack([_shape(share, exponent, delay, size) for size in n_rows / n_rows[-1]])
    weighted = weight[:, None] * shapes
    level = measured @ weighted / (shapes * weighted).sum(axis=0)
    misfit = weight @ (measured[:, None] - level * shapes) ** 2
    freedom = scores.shape[1] - 1
    evidence = _log_prior(share, exponent, delay, n_fitted)
    evidence -= (freedom + len(n_rows) - 1) / 2 * np.log(freedom + misfit)
    chance = np.exp(evidence - evidence.max())
    return PowerLaw(metric, float(n_rows[-1]), level, share, exponent, delay, chance / chance.sum())


def _shape(
    share: np.ndarray, exponent: np.ndarray, delay: np.ndarray, multiple: np.ndarray | float
) -> np.ndarray:
    """Return the error as a share of that at the largest measured size, `multiple` 1."""
    found: np.ndarray = 1 - share + share * ((multiple + delay) / (1 + delay)) ** -exponent
    return found


def _log_prior(share: np.ndarray, exponent: np.ndarray, delay: np.ndarray, n_fitted: float) -> np.ndarray:
    """Return the logarithm of each law's chance before anything is measured, but for a constant."""
    mean, std = EXPONENT_PRIOR
    found = -(((np.log(exponent) - mean) / std) ** 2) / 2
    # A normal density of log(fall), at a grid that is even in the share: fall is proportional to it.
    fall = 1 - _shape(share, exponent, delay, 2.0)
    typical = math.log(TYPICAL_FALL) + FALL_POWER * math.log(n_fitted / TYPICAL_ROWS)
    found += -(((np.log(fall) - typical) / FALL_STD) ** 2) / 2 - np.log(share)
    return np.asarray(found)


def _variances(error: np.ndarray, overlap: float) -> np.ndarray:
    """Estimate the variance of the mean at each size, half of it as at all sizes: shape (n_sizes,)."""
    n_sizes, n_folds = error.shape
    left = error - error.mean(axis=0) - error.mean(axis=1, keepdims=True) + error.mean()
    by_size = (left**2).sum(axis=1) / ((n_folds - 1) * (1 - 1 / n_sizes))
    of_mean = (by_size + by_size.mean()) / 2 * (1 / n_folds + overlap)
    return np.asarray(of_mean + (SMALLEST_NOISE * error.mean()) ** 2)

"""The promised gain: what the whole choice is worth on rows that did not take part in it.

BBC-CV: bootstrap the out-of-fold rows, repeat the choice on the drawn rows, score the chosen
arm on the rows not drawn (Tsamardinos, Greasidou, Borboudakis 2018,
https://doi.org/10.1007/s10994-018-5714-4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.scores.draws import draw_weights
from realmix.tasks.core.scores.out_of_fold import Scores, gains

# A draw whose advantage is below this share of the score is a tie, and real only wins ties.
TIE = 1e-9
# Share of the rows that a draw leaves out, and is scored on: its gain scatters by 1 / sqrt(share)
# more than that of all rows. Without this the 90 % interval held the gain in all of 17 panel runs.
LEFT_OUT_SHARE = math.exp(-1)


@dataclass(frozen=True)
class Draws:
    """Scores and choice of each bootstrap draw.

    Attributes
    ----------
    in_bag : ndarray of shape (n_draws, n_arms)
        Scores on the drawn rows, in the metric's units.
    chosen, reference : ndarray of int, shape (n_draws,)
        Arm chosen by the whole rule, and what it chooses of real only, on the drawn rows.
    gain : ndarray of shape (n_draws,)
        Gain of the chosen arm over the reference on the rows not drawn; 0 where they are the same arm.
    """

    in_bag: np.ndarray
    chosen: np.ndarray
    reference: np.ndarray
    gain: np.ndarray


@dataclass(frozen=True)
class Promise:
    """The gain that the choice promises.

    Attributes
    ----------
    gain : float
        Mean gain on rows not drawn; positive = better.
    interval : tuple of float
        90 % interval: narrowed to the spread of all rows, widened for the variance of training sets.
    row_interval : tuple of float
        5th and 95th percentile of the draws themselves.
    optimism : float
        Naive gain minus promised gain.
    n_draws : int
    """

    gain: float
    interval: tuple[float, float]
    row_interval: tuple[float, float]
    optimism: float
    n_draws: int


def choose(
    scores: np.ndarray,
    metric: MetricSpec,
    is_real_only: np.ndarray,
    is_candidate: np.ndarray,
    lead_needed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Apply the whole rule: the best candidate if it beats every real-only arm, which win ties.

    Parameters
    ----------
    scores : ndarray of shape (n_draws, n_arms)
    metric : MetricSpec
    is_real_only : ndarray of bool, shape (n_arms,)
    is_candidate : ndarray of bool, shape (n_arms,) or (n_draws, n_arms)
        Arms that are neither are controls: they never ship.
    lead_needed : ndarray of shape (n_arms,)
        Gain by which an arm must lead the best real-only arm of those that need none.

    Returns
    -------
    chosen, reference : ndarray of int, shape (n_draws,)
        `reference` is what ships where no candidate does: the best real-only arm, if its lead
        is large enough.
    """
    utility = scores if metric.greater_is_better else -scores
    draws = np.arange(len(utility))
    best, safe = best_of(utility, is_real_only), best_of(utility, is_real_only & (lead_needed == 0))
    leads = gains(metric, scores, scores[draws, safe][:, None]) > lead_needed
    reference = np.where(leads[draws, best], best, safe)
    may_win = is_candidate & leads
    candidate = best_of(utility, may_win)
    margin = utility[draws, candidate] - utility[draws, best]
    wins = may_win[draws, candidate] & (margin > TIE * np.abs(utility[draws, best]))
    return np.where(wins, candidate, reference), reference


def best_of(utility: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the first of the best allowed arms per draw; arm 0 where none is allowed."""
    return np.argmax(np.where(allowed, utility, -np.inf), axis=1)


def bootstrap(
    scores: Scores,
    metric: MetricSpec,
    *,
    is_real_only: np.ndarray,
    lead_needed: np.ndarray,
    eligible: Callable[[np.ndarray], np.ndarray],
    units: np.ndarray,
    strata: np.ndarray | None,
    n_draws: int,
    seed: int,
) -> Draws:
    """Repeat the whole choice on bootstrap draws of the validated rows.

    Parameters
    ----------
    scores : Scores
    metric : MetricSpec
    is_real_only : ndarray of bool, shape (n_arms,)
    lead_needed : ndarray of shape (n_arms,)
        See :func:`choose`.
    eligible : callable
        Weights of shape (n_draws, n_rows) to the candidates that may be chosen on them: mask of
        shape (n_arms,) or (n_draws, n_arms).
    units : ndarray of shape (n_rows,)
        Rows with an equal value are drawn together.
    strata : ndarray of shape (n_rows,) or None
        Draws keep the number of rows of each stratum; units must lie within a stratum.
    n_draws, seed : int

    Returns
    -------
    Draws
        Draws that leave no row out, or cannot be scored, are dropped.
    """
    parts: list[tuple[np.ndarray, ...]] = []
    for weights in draw_weights(units, strata, n_draws, seed):
        in_bag = scores.all_arms(weights)
        chosen, reference = choose(in_bag, metric, is_real_only, eligible(weights), lead_needed)
        left_out = (weights == 0).astype(float)
        gain = gains(metric, scores.of_arms(left_out, chosen), scores.of_arms(left_out, reference))
        is_scored = np.isfinite(in_bag).any(axis=0)  # arms beaten in the race never are
        usable = np.isfinite(gain) & np.isfinite(in_bag[:, is_scored]).all(axis=1)
        parts.append((in_bag[usable], chosen[usable], reference[usable], gain[usable]))
    draws = Draws(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    if not len(draws.gain):
        raise BadInput(
            "No bootstrap draw of the validation rows could be scored: "
            "the table has too few rows or groups of some class. Collect more rows."
        )
    return draws


def summarise(gain: np.ndarray, *, naive_gain: float, widening: float) -> Promise:
    """Turn the draws' gains into a promise.

    Parameters
    ----------
    gain : ndarray of shape (n_draws,)
    naive_gain : float
        Gain of the winner on the rows that chose it.
    widening : float
        Nadeau-Bengio factor on the distance of each bound from the mean, >= 1.
    """
    mean = float(gain.mean())
    low, high = (float(bound) for bound in np.quantile(gain, [0.05, 0.95]))
    return Promise(mean, _interval(mean, (low, high), widening), (low, high), naive_gain - mean, len(gain))


def _interval(mean: float, drawn: tuple[float, float], widening: float) -> tuple[float, float]:
    """Widen the draws' percentiles for the variance of training sets, narrow them to the spread of all rows.

    A zero gain stays inside where it is inside before narrowing: every draw that chooses real only
    gives exactly zero, and a gain is proven only where the wider interval is above it.
    """
    below, above = widening * max(mean - drawn[0], 0.0), widening * max(drawn[1] - mean, 0.0)
    narrowing = math.sqrt(LEFT_OUT_SHARE)
    low, high = mean - narrowing * below, mean + narrowing * above
    if mean - below <= 0 <= mean + above:
        return min(low, 0.0), max(high, 0.0)
    return low, high

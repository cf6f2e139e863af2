"""The promised gain: what the chosen mix is worth on rows that did not take part in the choice.

BBC-CV: bootstrap the out-of-fold rows, repeat the choice on the drawn rows, score the chosen
arm on the rows not drawn (Tsamardinos, Greasidou, Borboudakis 2018,
https://doi.org/10.1007/s10994-018-5714-4). The draws that choose an arm of the winner's family say how
much too good a chosen arm looks; the winner's gain less that is promised. Draws that choose another
family, or real only, are worth something else: their mean is the value of the policy, not of this mix.
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
# Share p of the rows that a draw leaves out and is scored on. They are drawn from n rows without
# replacement: the variance of their mean is (1 - p) / (p n) times that of a row, against 1 / n for all
# rows. So a draw's gain scatters by sqrt((1 - p) / p) = 1.31 more than the gain of all rows.
LEFT_OUT_SHARE = math.exp(-1)
NARROWING = math.sqrt(LEFT_OUT_SHARE / (1 - LEFT_OUT_SHARE))
# Fewer draws of the winner's family say too little about its optimism: then all draws are used.
MIN_FAMILY_DRAWS = 20


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
    path : ndarray of int, shape (n_draws, n_steps)
        Arms chosen step by step on the drawn rows, see :mod:`realmix.tasks.core.decision.credit`.
    path_left_out : ndarray of shape (n_draws, n_steps)
        Their scores on the rows not drawn.
    """

    in_bag: np.ndarray
    chosen: np.ndarray
    reference: np.ndarray
    gain: np.ndarray
    path: np.ndarray
    path_left_out: np.ndarray


@dataclass(frozen=True)
class Promise:
    """The gain that the chosen mix promises; zero where real only won.

    Attributes
    ----------
    gain : float
        Gain on the rows that chose it, less its optimism; positive = better.
    interval : tuple of float
        90 % interval: narrowed to the spread of all rows, widened for the variance of training sets.
    optimism : float
        How much better a chosen arm of this family looks on the drawn rows than on those left out.
    n_draws : int
        Draws that chose the family.
    """

    gain: float
    interval: tuple[float, float]
    optimism: float
    n_draws: int


NO_PROMISE = Promise(0.0, (0.0, 0.0), 0.0, 0)


@dataclass(frozen=True)
class Rule:
    """What the choice knows of the arms before their scores; each of shape (n_arms,).

    Attributes
    ----------
    is_real_only : ndarray of bool
        Arms that are neither these nor candidates are controls: they never ship.
    lead_needed : ndarray
        Gain by which an arm must lead the best real-only arm of those that need none.
    is_default : ndarray of bool
        Arms of a default recipe.
    lead_over_default : ndarray
        Gain by which another candidate must lead the best candidate of a default recipe, where there is one.
    """

    is_real_only: np.ndarray
    lead_needed: np.ndarray
    is_default: np.ndarray
    lead_over_default: np.ndarray


def choose(
    scores: np.ndarray, metric: MetricSpec, rule: Rule, is_candidate: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Apply the whole rule: the default recipe, or what clearly leads it, if it beats every real-only arm.

    Parameters
    ----------
    scores : ndarray of shape (n_draws, n_arms)
    metric : MetricSpec
    rule : Rule
    is_candidate : ndarray of bool, shape (n_arms,) or (n_draws, n_arms)

    Returns
    -------
    chosen, reference : ndarray of int, shape (n_draws,)
        Real-only arms win ties. `reference` is what ships where no candidate does: the best real-only arm, if
        its lead is large enough.
    """
    utility = scores if metric.greater_is_better else -scores
    draws, needed = np.arange(len(utility)), rule.lead_needed
    best, safe = best_of(utility, rule.is_real_only), best_of(utility, rule.is_real_only & (needed == 0))
    leads = gains(metric, scores, scores[draws, safe][:, None]) > needed
    reference = np.where(leads[draws, best], best, safe)
    may_win = preferred(scores, metric, rule, is_candidate) & leads
    candidate = best_of(utility, may_win)
    margin = utility[draws, candidate] - utility[draws, best]
    wins = may_win[draws, candidate] & (margin > TIE * np.abs(utility[draws, best]))
    return np.where(wins, candidate, reference), reference


def preferred(scores: np.ndarray, metric: MetricSpec, rule: Rule, is_candidate: np.ndarray) -> np.ndarray:
    """Return the candidates of a default recipe, and those that lead the best of these by enough.

    Returns
    -------
    ndarray of bool, shape (n_draws, n_arms)
        All candidates of a draw in which there is no default recipe.
    """
    utility = scores if metric.greater_is_better else -scores
    is_default = np.broadcast_to(is_candidate & rule.is_default, utility.shape)
    default = best_of(utility, is_default)
    leads = gains(metric, scores, scores[np.arange(len(scores)), default][:, None]) > rule.lead_over_default
    allowed: np.ndarray = is_candidate & (is_default | leads | ~is_default.any(axis=1, keepdims=True))
    return allowed


def best_of(utility: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the first of the best allowed arms per draw; arm 0 where none is allowed."""
    return np.argmax(np.where(allowed, utility, -np.inf), axis=1)


def bootstrap(
    scores: Scores,
    metric: MetricSpec,
    *,
    rule: Rule,
    eligible: Callable[[np.ndarray, np.ndarray], np.ndarray],
    climb: Callable[[np.ndarray, np.ndarray], np.ndarray],
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
    rule : Rule
    eligible : callable
        Weights of shape (n_draws, n_rows), and the scores of all arms on them, to the candidates that
        may be chosen: mask of shape (n_arms,) or (n_draws, n_arms).
    climb : callable
        Those scores, and that mask, to the arms of `Draws.path`.
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
        may_win = preferred(in_bag, metric, rule, eligible(weights, in_bag))
        chosen, reference = choose(in_bag, metric, rule, may_win)
        path = climb(in_bag, may_win)
        left_out = (weights == 0).astype(float)
        gain = gains(metric, scores.of_arms(left_out, chosen), scores.of_arms(left_out, reference))
        path_left_out = np.array([scores.of_arms(left_out, arms) for arms in path.T]).reshape(path.T.shape).T
        is_scored = np.isfinite(in_bag).any(axis=0)  # arms beaten in the race never are
        usable = np.isfinite(gain) & np.isfinite(in_bag[:, is_scored]).all(axis=1)
        usable &= np.isfinite(path_left_out).all(axis=1)
        found = (in_bag, chosen, reference, gain, path, path_left_out)
        parts.append(tuple(part[usable] for part in found))
    draws = Draws(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    if not len(draws.gain):
        raise BadInput(
            "No bootstrap draw of the validation rows could be scored: "
            "the table has too few rows or groups of some class. Collect more rows."
        )
    return draws


def promise(
    draws: Draws, metric: MetricSpec, *, is_family: np.ndarray, naive_gain: float, widening: float
) -> Promise:
    """Correct a winner's gain by the optimism of the draws that choose its family.

    Parameters
    ----------
    draws : Draws
    metric : MetricSpec
    is_family : ndarray of bool, shape (n_arms,)
        Arms with the winner's synthesizer and label rule.
    naive_gain : float
        Gain of the winner on the rows that chose it.
    widening : float
        Nadeau-Bengio factor on the distance of each bound from the gain, >= 1.
    """
    places = np.arange(len(draws.gain))
    in_bag = gains(metric, draws.in_bag[places, draws.chosen], draws.in_bag[places, draws.reference])
    return corrected(naive_gain, in_bag, draws.gain, is_family[draws.chosen], widening)


def corrected(
    naive_gain: float, in_bag: np.ndarray, left_out: np.ndarray, kept: np.ndarray, widening: float
) -> Promise:
    """Correct a gain by the optimism of the draws that decide as all rows do.

    Parameters
    ----------
    naive_gain : float
        On the rows that chose.
    in_bag, left_out : ndarray of shape (n_draws,)
        Gain of each draw's own choice on the rows drawn and on those left out.
    kept : ndarray of bool, shape (n_draws,)
        Draws that decide alike; all are used where these are fewer than `MIN_FAMILY_DRAWS`.
    widening : float
        As of :func:`promise`.
    """
    if kept.sum() < MIN_FAMILY_DRAWS:
        kept = np.ones(len(kept), dtype=bool)
    in_bag, left_out = in_bag[kept], left_out[kept]
    optimism = float((in_bag - left_out).mean())
    gain, reach = naive_gain - optimism, NARROWING * widening
    low, high = reach * (np.quantile(left_out, [0.05, 0.95]) - left_out.mean())
    return Promise(gain, (gain + min(float(low), 0.0), gain + max(float(high), 0.0)), optimism, len(left_out))

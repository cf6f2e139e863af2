"""The drops of the race, repeated on bootstrap draws of its rows.

The race is part of the choice, so the promised gain, which repeats the choice, repeats the race: in
each draw, block by block, arms leave that their learner's leader in this draw beats. A drawn row counts as often as
it was drawn. Arms that were beaten in the race itself take no part: after their exit there are no
predictions to score them by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.race import BEATEN_SHARE, FIRST_JUDGED_BLOCK
from realmix.tasks.core.decision.shortlist import by_learner
from realmix.tasks.core.scores.draws import draw_units
from realmix.tasks.core.scores.out_of_fold import OutOfFold, row_losses

ROUNDING = 1e-12


@dataclass(frozen=True)
class _Judgement:
    """Losses after a block, of the arms that ran up to it.

    `losses` are weighted sums per unit, of shape (n_units, n_judged); `weight` the weights
    behind them, of shape (n_units,).
    """

    arms: np.ndarray
    losses: np.ndarray
    weight: np.ndarray


class RaceBootstrap:
    """The drops between the blocks of a race, repeated on bootstrap draws.

    Parameters
    ----------
    oof : OutOfFold
        The whole study's, with its exits.
    metric : MetricSpec
        A mean over rows.
    is_candidate : ndarray of bool, shape (n_arms,)
        Arms that can be dropped.
    """

    def __init__(self, oof: OutOfFold, metric: MetricSpec, is_candidate: np.ndarray) -> None:
        blocks = oof.fold_rows
        self._n_first = sum(repeat == 0 for repeat, _ in blocks)
        self._is_candidate = is_candidate
        self._learners = by_learner(oof.arms)
        _, self._first_row, unit = np.unique(draw_units(oof), return_index=True, return_inverse=True)
        unit_of_row = np.full(len(oof.y), -1)
        unit_of_row[oof.rows] = unit
        n_run = np.array(
            [oof.exits[arm.name].after_block if arm.name in oof.exits else len(blocks) for arm in oof.arms]
        )
        losses = row_losses(oof, metric, range(len(oof.arms)))
        summed = np.zeros((len(self._first_row), len(oof.arms)))
        weight = np.zeros(len(self._first_row))
        self._judgements: dict[int, _Judgement] = {}
        for n_blocks, (repeat, rows) in enumerate(blocks[:-1], start=1):
            np.add.at(summed, unit_of_row[rows], (oof.row_weight[rows] * losses[:, repeat, rows]).T)
            np.add.at(weight, unit_of_row[rows], oof.row_weight[rows])
            if n_blocks >= FIRST_JUDGED_BLOCK:
                ran = np.flatnonzero(n_run >= n_blocks)
                self._judgements[n_blocks] = _Judgement(ran, summed[:, ran].copy(), weight.copy())

    def survivors(self, weights: np.ndarray, live: np.ndarray, *, in_first_repeat: bool) -> np.ndarray:
        """Drop the arms that are beaten after blocks of the first repeat, or after later ones.

        Parameters
        ----------
        weights : ndarray of shape (n_draws, n_validated)
            How often each row was drawn; equal within a unit.
        live : ndarray of bool, shape (n_draws, n_arms)
        in_first_repeat : bool

        Returns
        -------
        ndarray of bool, shape (n_draws, n_arms)
        """
        counts, live = weights[:, self._first_row], live.copy()
        for n_blocks, known in self._judgements.items():
            if (n_blocks <= self._n_first) is in_first_repeat:
                for of_learner in self._learners:
                    raced = of_learner[known.arms]
                    arms = known.arms[raced]
                    live[:, arms] &= ~beaten_in_draws(
                        known.losses[:, raced], known.weight, counts, live[:, arms], self._is_candidate[arms]
                    )
        return live


def beaten_in_draws(
    losses: np.ndarray, weight: np.ndarray, counts: np.ndarray, live: np.ndarray, is_candidate: np.ndarray
) -> np.ndarray:
    """Return in which draws which arms are beaten by the leader, by the rule of `race.judge`.

    Parameters
    ----------
    losses : ndarray of shape (n_units, n_arms)
        Weighted sums.
    weight : ndarray of shape (n_units,)
        Weights behind them; 0 where a unit was not validated yet.
    counts : ndarray of shape (n_draws, n_units)
    live : ndarray of bool, shape (n_draws, n_arms)
    is_candidate : ndarray of bool, shape (n_arms,)
        Others may lead, and are never beaten. Nor is the best live candidate.

    Returns
    -------
    ndarray of bool, shape (n_draws, n_arms)
    """
    from scipy import stats

    draws = np.arange(len(counts))
    with np.errstate(invalid="ignore", divide="ignore"):
        total = (counts @ weight)[:, None]
        means = np.where(live, counts @ losses / total, np.inf)
        leader = np.argmin(means, axis=1)
        lag = means - means[draws, leader][:, None]
        n_units = counts @ (weight > 0).astype(float)
        squares = np.empty_like(means)
        for arm in np.unique(leader):
            led = leader == arm
            differences = losses - losses[:, [arm]]
            crossed = counts[led] @ (differences * weight[:, None])
            around = counts[led] @ differences**2 - 2 * lag[led] * crossed
            squares[led] = around + lag[led] ** 2 * (counts[led] @ weight**2)[:, None]
        error = np.sqrt(np.maximum(squares, 0) * (n_units / (n_units - 1))[:, None]) / total
        # Equal arms differ by the rounding of their sums, whose error is as small.
        behind = lag > ROUNDING * np.abs(means)
        far = behind & (lag / error > stats.t.isf(1 - BEATEN_SHARE, np.maximum(n_units - 1, 1))[:, None])
    allowed = live & is_candidate
    best = np.argmin(np.where(allowed, means, np.inf), axis=1)
    beaten: np.ndarray = far & allowed
    beaten[draws, best] = False
    return beaten

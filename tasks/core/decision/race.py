"""The race on folds: which arms run in the next block, and which mixes in the repeats.

One block is one fold with all arms still in the race. Arms are never raced on subsamples:
gains shrink as rows grow, so that would favour augmentation. No clock decides.

Arms race against those of their own learner: whether synthetic rows help a model that people can read
is a question of its own, which a stronger learner cannot answer.

Only studies with repeats, whose deciding metric is a mean over rows, are raced: there a paired
difference of row losses shows early which arms cannot win, and the repeats can be saved. A
ranking (AUC, F1, ...) on a few folds is too noisy: such studies run the full grid.

The rule for "loses to the leader in more than 99 % of bootstrap draws" is the tail of the paired
mean difference, without draws: the share of draws in which a mean is above zero tends to that
tail, which is free of random numbers and takes no time. Units are rows, or whole groups; with few
groups Student's tail is the more cautious one. The error has no Nadeau-Bengio term, because the
question is who leads on these rows and not what the next training set would give.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from realmix.tasks.core.contracts.specs import CONTROLS, MetricSpec
from realmix.tasks.core.decision.shortlist import by_learner, shortlist
from realmix.tasks.core.mixes.arms import Arm, Exit, Mix
from realmix.tasks.core.plan.plan import MAX_FINALISTS
from realmix.tasks.core.scores.out_of_fold import OutOfFold, RowScores, fold_scores, gains, row_losses
from realmix.tasks.core.words import gain_in_words

# Fewer blocks are too few to judge an arm.
FIRST_JUDGED_BLOCK = 3
# An arm is dropped that would lose to the leader in a larger share of bootstrap draws.
BEATEN_SHARE = 0.99

B = TypeVar("B")


def is_raced(metric: MetricSpec, n_repeats: int) -> bool:
    """Return whether arms may leave before the last block."""
    # A tuned threshold is that of the other folds: it changes with each that is run.
    return metric.row_loss is not None and not metric.tuned_threshold and n_repeats > 1


def heats(blocks: Sequence[B], *, n_first: int, raced: bool) -> list[tuple[B, ...]]:
    """Group the blocks into heats: after each heat the arms are judged, and some may leave.

    Parameters
    ----------
    blocks : sequence
    n_first : int
        Blocks of the first repeat.
    raced : bool

    Examples
    --------
    >>> heats("abcdefgh", n_first=4, raced=True)
    [('a', 'b', 'c'), ('d',), ('e',), ('f',), ('g',), ('h',)]
    >>> heats("abcd", n_first=2, raced=True)
    [('a', 'b'), ('c',), ('d',)]
    >>> heats("abcd", n_first=2, raced=False)
    [('a', 'b', 'c', 'd')]
    """
    if not raced:
        return [tuple(blocks)]
    first = min(FIRST_JUDGED_BLOCK, n_first)
    return [tuple(blocks[:first]), *((block,) for block in blocks[first:])]


def judge(oof: OutOfFold, metric: MetricSpec, *, n_first: int, n_blocks: int) -> dict[str, Exit]:
    """Return which arms leave after the blocks run so far.

    Parameters
    ----------
    oof : OutOfFold
        Arms still in, on the blocks so far: rows of later blocks are marked as not validated.
    metric : MetricSpec
        A mean over rows.
    n_first, n_blocks : int
        Blocks of the first repeat, and of the whole study.

    Returns
    -------
    dict of arm name to Exit
        Beaten candidates and, where the first repeat has just ended, whatever no finalist needs.
        Real-only arms never leave, controls are never beaten (shuffled marginals neither, where they are a
        candidate too), and each learner's best candidate stays.
    """
    n_run = len(oof.fold_rows)
    when = f"after block {n_run} of {n_blocks}"
    leaving = _beaten(oof, metric, n_run, when) if n_run >= FIRST_JUDGED_BLOCK else {}
    if n_run == n_first:
        leaving |= _not_needed(oof, metric, leaving, when)
    return leaving


def _beaten(oof: OutOfFold, metric: MetricSpec, n_run: int, when: str) -> dict[str, Exit]:
    """Return the candidates that their learner's leader clearly beats; the best one stays, to be tested."""
    from scipy import stats

    scores = _scores(oof, metric)
    utility = _utility(scores, metric)
    candidates = np.array([arm.mix.is_raced for arm in oof.arms])
    losses = row_losses(oof, metric, range(len(oof.arms)))
    out = {}
    for of_learner in by_learner(oof.arms):
        leader = best_of(utility, of_learner)
        best = best_of(utility, of_learner & candidates)
        lag = -gains(metric, scores, scores[leader])
        for place in np.flatnonzero(of_learner & candidates):
            z, df = paired_z(losses[place] - losses[leader], oof)
            if place != best and stats.t.sf(z, df) < 1 - BEATEN_SHARE:
                behind = gain_in_words(float(lag[place]), metric.margin_is_relative)
                reason = (
                    f"dropped {when}: {behind} worse than {oof.arms[leader].name}, "
                    f"and in more than {100 * BEATEN_SHARE:.0f} of 100 draws"
                )
                out[oof.arms[place].name] = Exit(n_run, reason, is_beaten=True)
    return out


def best_of(utility: np.ndarray, allowed: np.ndarray) -> int:
    """Return the first of the best allowed arms; arm 0 where none is allowed."""
    return int(np.argmax(np.where(allowed, utility, -np.inf)))


def paired_z(differences: np.ndarray, oof: OutOfFold) -> tuple[float, int]:
    """Return the mean of paired loss differences in units of its standard error.

    Parameters
    ----------
    differences : ndarray of shape (n_repeats, n_rows)
        Loss of an arm minus the leader's; positive = worse; NaN where not validated.
    oof : OutOfFold
        Gives the weights of rows and the groups that stay whole.

    Returns
    -------
    z : float
        0 where all differences are 0; infinite where they are all alike.
    df : int
        Units (rows or groups) with any weight minus one, at least 1.
    """
    weight = np.where(np.isfinite(differences), oof.row_weight, 0.0)
    units = np.arange(len(oof.y)) if oof.groups is None else np.unique(oof.groups, return_inverse=True)[1]
    totals = np.bincount(units, (weight * np.nan_to_num(differences)).sum(axis=0))
    weights = np.bincount(units, weight.sum(axis=0))
    n_units = int((weights > 0).sum())
    if n_units < 2:
        return 0.0, 1
    mean = totals.sum() / weights.sum()
    squares = ((totals - mean * weights) ** 2).sum() * n_units / (n_units - 1)
    error = math.sqrt(squares) / weights.sum()
    if error == 0:
        return math.copysign(math.inf, mean) if mean else 0.0, n_units - 1
    return float(mean / error), n_units - 1


def _not_needed(
    oof: OutOfFold, metric: MetricSpec, leaving: Mapping[str, Exit], when: str
) -> dict[str, Exit]:
    """Return arms of other mixes than the finalists', and controls of other label rules than theirs."""
    candidates = np.array([arm.mix.is_raced and arm.name not in leaving for arm in oof.arms])
    utility = _utility(_scores(oof, metric), metric)
    chosen = shortlist(utility[None, :], candidates, oof.arms)[0]
    finalists = {(arm.model, arm.mix) for arm, is_in in zip(oof.arms, chosen, strict=True) if is_in}
    return {
        arm.name: Exit(len(oof.fold_rows), f"left {when}: {reason}", is_beaten=False)
        for arm in oof.arms
        if arm.name not in leaving and (reason := _why_not_needed(arm, finalists))
    }


def describe_standing(oof: OutOfFold, metric: MetricSpec) -> str:
    """Say how many mixes and models are still compared, which is the best so far, and how real only scores.

    The best of many is flattered: only the verdict says whether it is better.
    """
    utility = _utility(np.nanmean(fold_scores(oof, metric), axis=1), metric)

    def best(role: str) -> str | None:
        places = [place for place, arm in enumerate(oof.arms) if arm.mix.role == role]
        if not places:
            return None
        first = max(places, key=lambda place: (np.nan_to_num(utility[place], nan=-np.inf), -place))
        return f"{oof.arms[first].name} {abs(utility[first]):.4g}"

    mix, real = best("candidate"), best("real_only")
    leads = f"best mix so far {mix}, " if mix else ""
    return f"{len(oof.arms)} mixes and models compared; {metric.name}: {leads}real only {real}"


def _scores(oof: OutOfFold, metric: MetricSpec) -> np.ndarray:
    scores: np.ndarray = RowScores(oof, metric).all_arms(np.ones((1, len(oof.rows))))[0]
    return scores


def _utility(scores: np.ndarray, metric: MetricSpec) -> np.ndarray:
    return scores if metric.greater_is_better else -scores


def _why_not_needed(arm: Arm, finalists: set[tuple[str, Mix]]) -> str | None:
    if arm.mix.is_raced and (arm.model, arm.mix) not in finalists:
        return f"its mix was not among the best {MAX_FINALISTS} of {arm.model}"
    rules = {mix.label_rule for model, mix in finalists if model == arm.model}
    if arm.mix.synthesizer in CONTROLS and arm.mix.label_rule not in rules:
        return "no finalist has its label rule"
    return None

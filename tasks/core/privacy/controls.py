"""Controls: pools whose leak is known, attacked as any pool is. Without them "no leak found" says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from realmix.tasks.core.documents import Part
from realmix.tasks.core.privacy.membership import FALSE_ALARM_RATE, Membership, p_of_copies
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.seeds import derive_seed

# Shares of copied rows in the leaky pools; with none it is an independent sample.
COPIED_SHARES = (0.0, 0.05, 0.1, 0.5)
# The share that the power of an assessment is stated for.
STATED_SHARE = 0.05
N_REPEATS = 20
# An assessment that catches fewer of the stated leaks says nothing when it finds none.
MIN_CAUGHT = 0.8
# Members in one repeat, over all trials: more prove smaller leaks, and take longer.
MAX_MEMBERS = 600
MIN_MEMBERS_OF_TRIAL = 20


class Control(Part):
    """How often a pool of independent real rows was taken for a leak, with this share of copied members in it."""

    copied_share: float
    n_caught: int
    n_repeats: int
    n_members: int


def measure_controls(trials: Sequence[Trial], *, seed: int) -> tuple[Control, ...]:
    """Attack pools of real rows that were not learned, with copies of members put in their places.

    Parameters
    ----------
    trials : sequence of Trial
        Only their real rows are used. The non-members pose as the pool, and the reference rows are divided into
        non-members and reference: so fewer rows are attacked than in the trials, and what is caught here would be
        caught there.
    seed : int

    Returns
    -------
    tuple of Control
        For each of `COPIED_SHARES`.
    """
    return tuple(
        _control(trials, share, [derive_seed(seed, "control", share, repeat) for repeat in range(N_REPEATS)])
        for share in COPIED_SHARES
    )


def _control(trials: Sequence[Trial], share: float, seeds: list[int]) -> Control:
    repeats = [[planted(trial, share, _members_of(trials), seed) for trial in trials] for seed in seeds]
    n_caught = sum(leaks(repeat, seed=seed) for repeat, seed in zip(repeats, seeds, strict=True))
    n_members = sum(len(trial.members) for trial in repeats[0])
    return Control(copied_share=share, n_caught=n_caught, n_repeats=len(seeds), n_members=n_members)


def leaks(trials: Sequence[Trial], *, seed: int) -> bool:
    """Return whether a leak is found; where whole copies prove it alone, no other attack is run."""
    copied, unseen_copied = (np.concatenate(side) for side in zip(*(trial.copied for trial in trials), strict=True))
    return 2 * p_of_copies(copied, unseen_copied) < FALSE_ALARM_RATE or Membership.attack(trials, seed=seed).is_leaking


def planted(trial: Trial, share: float, n_members: int, seed: int) -> Trial:
    """Replace the pool of a trial by rows that were not learned, with a share of copied members among them.

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> rows = pd.DataFrame({"x": np.arange(400.0), "y": ["a", "b"] * 200})
    >>> sides = np.split(rows, [100, 200, 300])
    >>> trial = planted(Trial(*sides, infer_schema(rows, "y"), 0), 0.05, 100, seed=0)
    >>> len(trial.synthetic), int(trial.copied[0].sum()), int(trial.copied[1].sum())
    (100, 5, 0)
    """
    rng = np.random.default_rng(seed)

    def draw(rows: pd.DataFrame, n: int) -> pd.DataFrame:
        return rows.iloc[rng.permutation(len(rows))[:n]]

    members = draw(trial.members, n_members)
    pool = draw(trial.non_members, len(members))
    n_copies = round(share * len(pool))
    pool = pd.concat([pool.iloc[n_copies:], members.iloc[:n_copies]], ignore_index=True)
    unseen = draw(trial.reference, len(trial.reference))
    half = len(unseen) // 2
    return replace(
        trial, synthetic=pool, members=members, non_members=unseen.iloc[:half], reference=unseen.iloc[half:], seed=seed
    )


def _members_of(trials: Sequence[Trial]) -> int:
    return max(MAX_MEMBERS // len(trials), MIN_MEMBERS_OF_TRIAL)


def power_in_words(controls: Sequence[Control]) -> tuple[bool, str]:
    """Return whether leaks of `STATED_SHARE` are found at this number of rows, and what the controls gave."""
    by_share = {control.copied_share: control for control in controls}
    independent, stated = by_share[0.0], by_share[STATED_SHARE]
    sentence = (
        f"{100 * STATED_SHARE:g} % copied rows would have been caught {stated.n_caught} of {stated.n_repeats} times at "
        f"this number of rows ({stated.n_members:,} learned ones in the control); independent real rows were taken for "
        f"a leak {independent.n_caught} of {independent.n_repeats} times."
    )
    is_powerful = stated.n_caught >= MIN_CAUGHT * stated.n_repeats
    if not is_powerful:
        sentence += " So few rows cannot show that nothing leaks."
    return is_powerful, sentence

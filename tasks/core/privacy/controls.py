"""Controls: pools whose leak is known, attacked as any pool is. Without them "no leak found" says nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.documents import Number, Part
from realmix.tasks.core.privacy.membership import FALSE_ALARM_RATE, Membership, p_of_copies
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema

# The share of copied rows that the power of an assessment is stated for.
STATED_SHARE = 0.05
# Control pools by their share of copied rows; with none it is an independent sample, which takes longest.
N_REPEATS = {0.0: 5, STATED_SHARE: 20, 0.1: 5, 0.5: 5}
# An assessment that catches fewer of the stated leaks says nothing when it finds none.
MIN_CAUGHT = 0.8
# More members prove smaller leaks, and take longer.
MAX_MEMBERS = 600


class ControlPool(Part):
    """How often pools of real rows that were not learned were taken for a leak, with copied members among them."""

    copied_share: Number
    n_caught: int
    n_repeats: int
    n_members: int


def measure_controls(real: pd.DataFrame, schema: Schema, *, seed: int) -> tuple[ControlPool, ...]:
    """Attack pools of independent real rows, with copies of members in some of their places.

    Parameters
    ----------
    real : DataFrame of shape (n_real, n_modelled)
        Canonical rows, one of each person: dealt anew each time to members, pool, non-members and reference. So a
        control attacks fewer rows than an assessment of the same table, and finds less.
    schema : Schema
    seed : int

    Returns
    -------
    tuple of ControlPool
        By rising share of copies.
    """
    return tuple(
        ControlPool(
            copied_share=share,
            n_caught=sum(
                is_caught(leaky_trial(real, schema, share, seed=derive_seed(seed, "control", share, repeat)))
                for repeat in range(n_repeats)
            ),
            n_repeats=n_repeats,
            n_members=min(len(real) // 4, MAX_MEMBERS),
        )
        for share, n_repeats in N_REPEATS.items()
    )


def leaky_trial(real: pd.DataFrame, schema: Schema, share: float, *, seed: int) -> Trial:
    """Deal real rows to the four parts of a trial, and put copies of members into a share of its pool.

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> rows = pd.DataFrame({"x": np.random.default_rng(0).normal(size=400), "y": ["a", "b"] * 200})
    >>> trial = leaky_trial(rows, infer_schema(rows, "y"), 0.05, seed=0)
    >>> len(trial.synthetic), int(trial.copied[0].sum()), int(trial.copied[1].sum())
    (100, 5, 0)
    """
    n = min(len(real) // 4, MAX_MEMBERS)
    order = np.random.default_rng(seed).permutation(len(real))[: 4 * n]
    pool, members, non_members, reference = (real.iloc[part] for part in order.reshape(4, n))
    n_copies = round(share * n)
    pool = pd.concat([pool.iloc[n_copies:], members.iloc[:n_copies]], ignore_index=True)
    return Trial(pool, members, non_members, reference, schema, seed)


def is_caught(trial: Trial) -> bool:
    """Return whether a leak is found; where whole copies prove it alone, no other attack is run."""
    if 2 * p_of_copies(*trial.copied) < FALSE_ALARM_RATE:
        return True
    return Membership.attack([trial], seed=trial.seed).is_leaking


def power_in_words(controls: Sequence[ControlPool]) -> tuple[bool, str]:
    """Return whether leaks of `STATED_SHARE` are found at this number of rows, and a sentence on it."""
    by_share = {control.copied_share: control for control in controls}
    independent, stated = by_share[0.0], by_share[STATED_SHARE]
    sentence = (
        f"With {stated.n_members:,} learned rows, {100 * STATED_SHARE:g} % copied ones would have been caught "
        f"{stated.n_caught} of {stated.n_repeats} times; independent real rows were taken for a leak "
        f"{independent.n_caught} of {independent.n_repeats} times."
    )
    is_powerful = stated.n_caught >= MIN_CAUGHT * stated.n_repeats
    return is_powerful, sentence if is_powerful else f"{sentence} So few rows cannot show that nothing leaks."

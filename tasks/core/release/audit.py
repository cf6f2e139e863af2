"""Audit of differential privacy in one run: rows planted by coin toss, and guesses which of them were there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from realmix.tasks.core.documents import Number, Part
from realmix.tasks.core.release.domain import Domain
from realmix.tasks.core.release.marginals import Marginals
from realmix.tasks.core.table.sharing import Bins

N_CANARIES = 400
# Guesses are made where they are surest: at either end of the scores.
GUESSED_SHARE = 0.25
CONFIDENCE = 0.95
HIGHEST_EPSILON = 200.0


class Audit(Part):
    """What guessing found: epsilon is at least `lower_bound`, at 95 % confidence."""

    n_canaries: int
    n_guesses: int
    n_right: int
    lower_bound: Number


def audit_noise(
    add_noise: Callable[[np.ndarray], np.ndarray],
    *,
    n_features: int,
    delta: float,
    n_canaries: int = N_CANARIES,
    seed: int,
) -> Audit:
    """Plant rows that nobody could overlook, each alone in its cells, and guess from noisy counts which are there.

    Parameters
    ----------
    add_noise : callable
        Noise of the release that is audited.
    n_features : int
        As many as of that release, so that one row moves as many counts.
    delta : float
    n_canaries : int
    seed : int
        Of the coin tosses.

    Returns
    -------
    Audit

    References
    ----------
    Steinke, Nasr, Jagielski 2023, https://arxiv.org/abs/2305.08846
    """
    own = Domain(Bins(values=tuple(map(str, range(n_canaries)))))
    target = Domain(Bins(values=("planted",)))
    marginals = Marginals({f"x{place}": own for place in range(n_features)}, "y", target)
    features = pd.DataFrame({name: list(own.bins.values) for name in marginals.domains}, dtype=object)
    canaries = features.assign(y="planted")
    is_in = np.random.default_rng(seed).random(n_canaries) < 0.5
    noisy = add_noise(marginals.count(canaries[is_in]))
    # Of the counts alone and with the target, those that only this row can raise.
    per_feature = noisy[target.n_codes :].reshape(n_features, -1)
    alone, both = per_feature[:, : own.n_codes], per_feature[:, own.n_codes :].reshape(n_features, -1, 2)
    scores = (alone + both[:, :, 0]).sum(axis=0)[:n_canaries]
    order = np.argsort(scores, kind="stable")
    n_each = int(GUESSED_SHARE * n_canaries / 2)
    n_right = int((~is_in[order[:n_each]]).sum() + is_in[order[-n_each:]].sum())
    bound = epsilon_at_least(n_right, 2 * n_each, n_canaries, delta)
    return Audit(n_canaries=n_canaries, n_guesses=2 * n_each, n_right=n_right, lower_bound=bound)


def epsilon_at_least(n_right: int, n_guesses: int, n_canaries: int, delta: float) -> float:
    """Return the largest epsilon that so many right guesses refute, at 95 % confidence; 0 where they refute none.

    Examples
    --------
    >>> epsilon_at_least(50, 100, 400, 1e-6)
    0.0
    >>> round(epsilon_at_least(95, 100, 400, 1e-6), 1)
    2.2
    """
    low, high = 0.0, HIGHEST_EPSILON
    if _p_value(low, n_right, n_guesses, n_canaries, delta) > 1 - CONFIDENCE:
        return 0.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        is_refuted = _p_value(middle, n_right, n_guesses, n_canaries, delta) <= 1 - CONFIDENCE
        low, high = (middle, high) if is_refuted else (low, middle)
    return low


def _p_value(epsilon: float, n_right: int, n_guesses: int, n_canaries: int, delta: float) -> float:
    """Return how probable so many right guesses are at most (theorem 5.2 of the paper)."""
    from scipy.stats import binom

    guesses = binom(n_guesses, 1 / (1 + np.exp(-epsilon)))
    enough = float(guesses.sf(n_right - 1))
    fewer = np.arange(1, n_canaries + 1)
    failing = float(((guesses.sf(n_right - fewer - 1) - enough) / fewer).max())
    return enough + 2 * n_canaries * delta * failing

"""Noise of differential privacy and what it costs: OpenDP's discrete Gaussian and its accounting."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.versions import require

# Draws beyond so many deviations have a probability below 1e-22.
DEVIATIONS = 10


@functools.cache  # the search takes half a second
def noise_scale(epsilon: float, delta: float, sensitivity: float) -> float:
    """Return the smallest deviation of noise with which a release spends at most a budget.

    Parameters
    ----------
    epsilon, delta : float
    sensitivity : float
        Euclidean distance by which one row moves all counts together.

    Returns
    -------
    float

    References
    ----------
    Canonne, Kamath, Steinke 2020, https://arxiv.org/abs/2004.00010; OpenDP, https://docs.opendp.org
    """
    dp = _opendp()
    try:
        return float(
            dp.binary_search_param(
                lambda scale: dp.c.make_fix_delta(_approximate(scale), delta),
                d_in=sensitivity,
                d_out=(epsilon, delta),
            )
        )
    except Exception as err:  # OpenDP has one error for all
        raise BadInput(
            f"OpenDP finds no noise for epsilon {epsilon:g} and delta {delta:g} ({type(err).__name__}): choose larger "
            "ones in the card's `dp`."
        ) from err


def spent(scale: float, delta: float, sensitivity: float) -> float:
    """Return the epsilon that noise of a deviation spends at a delta."""
    return float(_approximate(scale).map(sensitivity).epsilon(delta))


def secret_noise(counts: np.ndarray, scale: float) -> np.ndarray:
    """Add noise from the randomness of the operating system: nobody can repeat it, and so nobody can take it off."""
    return np.array(_gaussian(scale)([int(count) for count in counts]))


def repeatable_noise(counts: np.ndarray, scale: float, *, seed: int) -> np.ndarray:
    """Add noise of the same distribution that follows from a seed: whoever knows the seed can take it off."""
    reach = np.arange(-int(DEVIATIONS * scale) - 1, int(DEVIATIONS * scale) + 2)
    density = np.exp(-0.5 * (reach / scale) ** 2)
    drawn = np.random.default_rng(seed).choice(reach, size=len(counts), p=density / density.sum())
    return np.asarray(counts + drawn)


def _opendp() -> Any:
    require("opendp", "dp", "The synthesizer 'dp'")
    import opendp.prelude as dp

    # OpenDP's word for what its maintainers have not vetted line by line: discrete Gaussian noise and accounting.
    dp.enable_features("contrib")
    return dp


def _gaussian(scale: float) -> Any:
    dp = _opendp()
    return dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T=float), scale=scale)


def _approximate(scale: float) -> Any:
    return _opendp().c.make_zCDP_to_approxDP(_gaussian(scale))

"""Accounting and audit of the noise: against formulas of other people, and against an attacker."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.release.audit import audit_noise
from realmix.tasks.synthesizers._noise import noise_scale, repeatable_noise, secret_noise, spent

DELTA = 1e-6
N_FEATURES = 8
SENSITIVITY = math.sqrt(1 + 2 * N_FEATURES)


def delta_of_zcdp(rho, epsilon):
    """The best conversion known, Canonne, Kamath, Steinke 2020, corollary 13, on a fine grid."""

    def log_delta(alpha):
        return (alpha - 1) * (alpha * rho - epsilon) - math.log(alpha - 1) + alpha * math.log1p(-1 / alpha)

    return math.exp(
        minimize_scalar(log_delta, bounds=(1 + 1e-6, 1e4), method="bounded", options={"xatol": 1e-9}).fun
    )


def epsilon_of_gaussian(scale):
    """The exact epsilon of continuous Gaussian noise, Balle and Wang 2018: nothing sound claims much less."""

    def excess(epsilon):
        at = SENSITIVITY / (2 * scale)
        shift = epsilon * scale / SENSITIVITY
        return norm.cdf(at - shift) - math.exp(epsilon) * norm.cdf(-at - shift) - DELTA

    return brentq(excess, 0, 50)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0, 10.0])
def test_what_is_spent_is_the_budget_and_no_less_than_theory_allows(epsilon):
    scale = noise_scale(epsilon, DELTA, SENSITIVITY)
    rho = SENSITIVITY**2 / (2 * scale**2)
    assert spent(scale, DELTA, SENSITIVITY) <= epsilon
    assert delta_of_zcdp(rho, epsilon) == pytest.approx(DELTA, rel=0.01), (
        "the tight conversion, not the classic one"
    )
    assert epsilon_of_gaussian(scale) < epsilon < rho + 2 * math.sqrt(rho * math.log(1 / DELTA))
    # Less noise spends more.
    assert spent(0.9 * scale, DELTA, SENSITIVITY) > epsilon


def test_twice_the_sensitivity_needs_twice_the_noise():
    assert noise_scale(1, DELTA, 2 * SENSITIVITY) == pytest.approx(
        2 * noise_scale(1, DELTA, SENSITIVITY), rel=1e-6
    )


def test_secret_and_repeatable_noise_have_one_distribution_and_only_one_can_be_repeated():
    zeros, scale = np.zeros(20_000, dtype=int), 7.3
    secret, known = secret_noise(zeros, scale), repeatable_noise(zeros, scale, seed=1)
    for drawn in (secret, known):
        assert drawn.dtype == int and abs(drawn.mean()) < 5 * scale / math.sqrt(len(zeros))
        assert drawn.std() == pytest.approx(scale, rel=0.03)
    assert (known == repeatable_noise(zeros, scale, seed=1)).all()
    assert (secret != secret_noise(zeros, scale)).any()


@pytest.mark.parametrize("epsilon", [1.0, 3.0, 8.0])
def test_an_attacker_who_planted_rows_proves_no_more_than_epsilon(epsilon):
    scale = noise_scale(epsilon, DELTA, SENSITIVITY)
    found = audit_noise(
        lambda counts: secret_noise(counts, scale), n_features=N_FEATURES, delta=DELTA, seed=1
    )
    assert found.lower_bound < epsilon
    if epsilon >= 8:
        assert found.lower_bound > 1, "the attack is strong enough to find something"


def test_noise_that_is_too_small_is_found_out():
    scale = noise_scale(1, DELTA, SENSITIVITY)
    found = audit_noise(
        lambda counts: secret_noise(counts, scale / 8), n_features=N_FEATURES, delta=DELTA, seed=1
    )
    assert found.lower_bound > 1


def test_a_forgotten_square_root_is_found_out():
    # The noise of one marginal for all of them.
    scale = noise_scale(1, DELTA, 1.0)
    found = audit_noise(
        lambda counts: secret_noise(counts, scale), n_features=32, delta=DELTA, n_canaries=800, seed=2
    )
    assert found.lower_bound > 1


def test_no_canary_is_found_without_any_signal():
    # The bound exceeds 0 in one run of twenty where nothing leaks.
    bounds = [
        audit_noise(
            lambda counts, seed=seed: repeatable_noise(0 * counts, 5.0, seed=seed),
            n_features=4,
            delta=DELTA,
            seed=seed,
        ).lower_bound
        for seed in range(40)
    ]
    assert sum(bound > 0 for bound in bounds) <= 6


def test_a_budget_without_any_noise_is_refused_in_a_sentence():
    with pytest.raises(BadInput, match="choose larger ones"):
        noise_scale(1e-30, 1e-30, SENSITIVITY)

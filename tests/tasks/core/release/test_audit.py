"""What guesses refute: more right ones refute a larger epsilon, and as many as by chance refute none."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.release.audit import epsilon_at_least


def test_more_right_guesses_refute_more():
    bounds = [epsilon_at_least(right, 100, 400, 1e-6) for right in (50, 60, 75, 90, 100)]
    assert bounds[0] == 0 and bounds == sorted(bounds) and bounds[-1] > 3


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0])
def test_a_guesser_as_good_as_epsilon_allows_is_seldom_taken_for_a_better_one(epsilon):
    right = np.random.default_rng(0).binomial(100, 1 / (1 + np.exp(-epsilon)), 200)
    numbers, times = np.unique(right, return_counts=True)
    exceeds = [epsilon_at_least(int(number), 100, 400, 1e-6) > epsilon for number in numbers]
    exceeded = int(times[exceeds].sum())
    # 5 % are meant; more than 17 of 200 come up in one of a hundred such tests.
    assert exceeded <= 17

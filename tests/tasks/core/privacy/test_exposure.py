"""What was measured and what is declared give together the persons exposed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from realmix.tasks.core.privacy.exposure import Declared, combine


def test_an_attack_no_better_than_guessing_leaves_the_prior_as_it_was():
    found = combine(Declared(prior=0.2), 0.01, (0.0, 0.03), 500)
    assert found.posterior == pytest.approx(0.2)
    assert found.persons_exposed == found.by_chance == 5
    assert found.expected_harm is None


def test_harm_counts_the_persons_beyond_chance():
    found = combine(Declared(prior=0.2, harm=10, currency="CHF"), 0.05, (0.02, 0.1), 500)
    assert found.expected_harm == pytest.approx(10 * (25 - 5))
    assert found.sentence == (
        "Of 500 persons in the table an attacker recognizes 25 (10 to 50; 5 by chance), and is then sure to 56 % "
        "instead of 20 % before. Beyond chance that is 200 CHF of expected harm."
    )


def test_an_attack_worse_than_guessing_does_no_negative_harm():
    assert combine(Declared(prior=0.2, harm=10), 0.0, (0.0, 0.01), 500).expected_harm == 0


@pytest.mark.parametrize("prior", [0.0, 1.0, -1.0])
def test_a_prior_is_neither_impossible_nor_certain(prior):
    with pytest.raises(ValidationError):
        Declared(prior=prior)

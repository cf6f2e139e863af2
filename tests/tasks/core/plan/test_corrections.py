"""Estimates are corrected by the median of what earlier studies took."""

from __future__ import annotations

import pytest

from realmix.tasks.core.plan.corrections import HIGHEST, LOWEST, N_REMEMBERED, corrections_from, observed


def test_a_study_that_took_twice_its_estimate_says_two() -> None:
    assert observed({"teacher": 5.0, "train": 15.0}, {}, {"race": 40.0}) == {"race": 2.0}


def test_corrections_do_not_pile_up() -> None:
    assert observed({"train": 40.0}, {"race": 2.0}, {"race": 40.0}) == {"race": 2.0}


def test_one_study_on_a_busy_machine_changes_nothing() -> None:
    assert corrections_from([{"race": 1.0}, {"race": 30.0}, {"race": 1.1}]) == {"race": 1.1}


def test_old_studies_are_forgotten_and_extremes_cut() -> None:
    assert corrections_from([{"race": 9.0}] * 9 + [{"race": 0.01}] * N_REMEMBERED) == {"race": LOWEST}
    assert corrections_from([{"race": 99.0}]) == {"race": HIGHEST}


@pytest.mark.parametrize("seconds", [{}, {"race": 3.0}])
def test_what_takes_no_time_by_its_estimate_is_not_noted(seconds: dict[str, float]) -> None:
    assert observed({"train": 0.2}, {}, seconds) == {}

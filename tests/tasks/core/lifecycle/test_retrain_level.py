"""How much new rows make worth repeating."""

from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.lifecycle.retrain_level import Changes, choose_level
from realmix.tasks.core.table.card_parts import Operation

QUIET = Changes(n_studied=1000, n_changed=50, age_days=2.0, drift="none", drift_sentence="")


@pytest.mark.parametrize(
    ("changes", "is_changed", "level"),
    [
        ({}, True, "refit"),
        ({}, False, "skip"),
        ({"n_changed": 100}, True, "study"),
        ({"drift": "drift", "drift_sentence": "age drifted"}, True, "study"),
        ({"age_days": 30.0}, True, "study"),
        ({"age_days": 30.0}, False, "study"),
    ],
)
def test_drift_growth_and_age_ask_for_a_study(changes, is_changed, level):
    assert (
        choose_level(dataclasses.replace(QUIET, **changes), Operation(), is_changed=is_changed).level == level
    )


def test_the_first_study_needs_no_new_rows():
    assert choose_level(None, Operation(), is_changed=False).level == "study"


def test_the_reason_names_what_decided():
    drifted = dataclasses.replace(
        QUIET, drift="critical", drift_sentence="the target rate went from 5 % to 21 %"
    )
    assert (
        choose_level(drifted, Operation(), is_changed=True).reason == "the target rate went from 5 % to 21 %"
    )


def test_the_card_says_what_many_rows_and_a_long_time_are():
    careful = Operation(refit_growth=0.5, max_age_days=1.0)
    grown = dataclasses.replace(QUIET, n_changed=400, age_days=0.5)
    assert choose_level(grown, careful, is_changed=True).level == "refit"
    assert choose_level(dataclasses.replace(grown, age_days=1.5), careful, is_changed=True).level == "study"


def test_rows_that_were_only_removed_are_a_reason_to_refit():
    removed = dataclasses.replace(QUIET, n_changed=0)
    choice = choose_level(removed, Operation(), is_changed=True)
    assert (choice.level, "removed" in choice.reason) == ("refit", True)
    assert choose_level(removed, Operation(), is_changed=False).level == "skip"

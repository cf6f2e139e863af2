"""Controls show that leaks are found and that independent rows are not accused."""

from __future__ import annotations

import pytest

from realmix.tasks.core.privacy.controls import (
    MAX_MEMBERS,
    N_REPEATS,
    ControlPool,
    is_caught,
    leaky_trial,
    measure_controls,
    power_in_words,
)
from tests.tasks.core.privacy.tables import SCHEMA, persons


def test_every_row_is_dealt_to_one_part_and_the_share_of_copies_is_exact():
    rows = persons(200, 0)
    trial = leaky_trial(rows, SCHEMA, 0.1, seed=3)
    parts = [trial.members, trial.non_members, trial.reference]
    assert [len(part) for part in parts] == [50, 50, 50]
    assert len(set().union(*(part.index for part in parts))) == 150
    assert len(trial.synthetic) == 50
    assert trial.copied[0].sum() == 5
    assert trial.copied[1].sum() == 0


def test_large_tables_are_thinned():
    assert len(leaky_trial(persons(4_000, 0), SCHEMA, 0.0, seed=0).members) == MAX_MEMBERS


def test_leaks_are_caught_and_an_independent_sample_is_not():
    controls = measure_controls(persons(800, 5), SCHEMA, seed=2)
    assert [control.copied_share for control in controls] == list(N_REPEATS)
    independent, *leaky = controls
    assert independent.n_caught == 0
    assert all(control.n_caught == control.n_repeats for control in leaky)
    assert measure_controls(persons(800, 5), SCHEMA, seed=2) == controls


def test_few_rows_catch_few_leaks_and_the_sentence_says_so():
    controls = measure_controls(persons(80, 5), SCHEMA, seed=2)
    is_powerful, sentence = power_in_words(controls)
    assert not is_powerful
    assert sentence.endswith("So few rows cannot show that nothing leaks.")


@pytest.mark.parametrize(("n_caught", "is_powerful"), [(15, False), (16, True), (20, True)])
def test_power_is_at_least_four_of_five(n_caught, is_powerful):
    controls = [
        ControlPool(copied_share=share, n_caught=n, n_repeats=20, n_members=300)
        for share, n in ((0.0, 0), (0.05, n_caught))
    ]
    found, sentence = power_in_words(controls)
    assert found is is_powerful
    assert sentence.startswith(
        f"With 300 learned rows, 5 % copied ones would have been caught {n_caught} of 20 times; independent real rows "
        "were taken for a leak 0 of 20 times."
    )


def test_leaks_without_copies_are_caught_by_the_other_attacks():
    trial = leaky_trial(persons(1_200, 1), SCHEMA, 0.5, seed=1)
    perturbed = trial.synthetic.assign(income=trial.synthetic["income"] * 1.001)
    assert is_caught(type(trial)(perturbed, trial.members, trial.non_members, trial.reference, SCHEMA, 0))

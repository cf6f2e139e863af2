"""Attacks that disclose cells succeed on members of a leaky pool, and no more on members of an honest one."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from realmix.tasks.core.privacy.disclosure import (
    Attempts,
    comparable,
    disclose,
    guess_column,
    link_halves,
    single_out,
)
from realmix.tasks.core.table.infer_schema import infer_schema
from tests.tasks.core.privacy.tables import SCHEMA, persons, trial


def test_copies_single_out_link_and_give_away_cells_of_members():
    for found in disclose(trial(200, 1, copied=1.0), ("region", "income")):
        assert found.n_hits / found.n_attacks > 2 * found.n_control_hits / found.n_controls, found.name
        assert found.p_value < 0.001


def test_an_independent_pool_discloses_as_much_of_others():
    found = disclose(trial(200, 2), ("region", "ill"))
    assert [each.name for each in found] == ["singling out", "linking", "guessing region", "guessing ill"]
    assert min(each.p_value for each in found) > 0.01


def test_descriptions_are_tried_on_equally_many_rows_of_both_kinds():
    found = single_out(trial(100, 3))
    assert found.n_attacks == found.n_controls > 0
    # Others are twice as many: all of them are guessed at.
    guessed = guess_column(trial(100, 3), SCHEMA["ill"])
    assert (guessed.n_attacks, guessed.n_controls) == (100, 200)


def test_a_narrow_table_has_no_halves_to_link():
    columns = ["age", "income", "ill"]
    wide = trial(60, 0)
    schema = infer_schema(persons(60, 0)[columns], "ill")
    sides = ("synthetic", "members", "non_members", "reference")
    narrow = replace(wide, schema=schema, **{side: getattr(wide, side)[columns] for side in sides})
    assert link_halves(narrow) is None
    assert [each.name for each in disclose(narrow, ("ill",))] == ["singling out", "guessing ill"]


def test_a_number_is_guessed_within_a_tenth_of_a_deviation_and_missing_equals_missing():
    found = trial(200, 4, copied=1.0)
    near = replace(found, synthetic=found.synthetic.assign(income=found.synthetic["income"] + 1.0))
    # Two persons may be alike in everything else.
    assert guess_column(near, SCHEMA["income"]).n_hits >= 198
    assert guess_column(found, SCHEMA["debt"]).n_hits == 200


def test_categories_become_codes_and_numbers_stay():
    rows = pd.DataFrame({"age": [3.0, None], "ill": ["no", None]})
    assert comparable(rows, (SCHEMA["age"], SCHEMA["ill"]))[0].tolist() == [3.0, 0.0]
    assert comparable(rows, (SCHEMA["ill"],))[1].tolist() == [-1.0]


def test_attempts_of_trials_add_up():
    added = Attempts("linking", 10, 2, 20, 1) + Attempts("linking", 5, 1, 10, 0)
    assert added == Attempts("linking", 15, 3, 30, 1)
    assert Attempts("linking", 100, 50, 100, 50).p_value == pytest.approx(0.55, abs=0.05)

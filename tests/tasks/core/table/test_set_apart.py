from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.infer_schema import schema_of
from realmix.tasks.core.table.set_apart import set_apart, table_notes

N_ROWS = 120


def customers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = [f"asked twice about the bill of month {i} and was sent a letter" for i in range(N_ROWS)]
    return pd.DataFrame(
        {
            "customer": np.arange(N_ROWS),
            "email": [f"c{i}@example.org" for i in range(N_ROWS)],
            "note": words,
            "country": "FI",
            "fax": [None] * N_ROWS,
            "closed": rng.normal(size=N_ROWS),
            "person": rng.integers(0, 30, N_ROWS),
            "age": rng.integers(18, 90, N_ROWS),
            "left": rng.choice(["no", "yes"], N_ROWS),
        }
    )


def test_every_column_that_models_do_not_see_has_its_reason():
    card = DataCard(target="left", ignore=("closed",), group="person")
    schema = schema_of(customers(), card)
    reasons = set_apart(schema, card)
    assert {*reasons, *schema.feature_names, "left"} == set(customers().columns)
    for name, word in {
        "customer": "identifier", "email": "identifier", "note": "free text", "country": "constant",
        "fax": "empty", "closed": "`ignore`", "person": "`group`",
    }.items():  # fmt: skip
        assert word in reasons[name]


def test_what_the_card_declared_is_said_to_be_declared():
    card = DataCard(target="left", columns={"age": "identifier"})
    assert set_apart(schema_of(customers(), card), card)["age"].startswith("declared as identifier")


def test_the_notes_hold_a_line_for_each_column_and_each_hint():
    card = DataCard(target="left")
    schema = schema_of(customers(), card)
    notes = list(table_notes(schema, card, [Hint("leak", ("age",), "It tells all.", ("ignore: [age]",))]))
    assert len(notes) == len(set_apart(schema, card)) + 1
    assert notes[-1] == "hint: It tells all. Answer in the card: `ignore: [age]`."

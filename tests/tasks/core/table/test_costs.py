from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.costs import decision_costs

COSTS = {"fraud": {"ok": "amount"}, "ok": {"fraud": 5}}


def payments(**changed) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = {
        "amount": rng.exponential(50, 200).round(2),
        "hour": rng.integers(0, 24, 200),
        "state": rng.choice(["ok", "fraud"], 200, p=[0.8, 0.2]),
    }
    return pd.DataFrame(table | changed)


def card_of(costs=COSTS, **more) -> DataCard:
    return parse_card({"target": "state", "positive": "fraud", "costs": costs, **more})


def test_a_missed_fraud_costs_the_amount_of_its_row_and_a_false_alarm_the_same_everywhere():
    raw, card = payments(), card_of()
    schema = check_study_input(raw, card)
    y = schema.encode_target(schema.apply(raw))
    costs = decision_costs(raw, y, schema, card)
    fraud = (raw["state"] == "fraud").to_numpy()
    assert schema.classes == ("ok", "fraud")
    assert (costs[fraud, 0] == raw["amount"][fraud]).all() and (costs[fraud, 1] == 0).all()
    assert (costs[~fraud] == [0, 5]).all()


def test_an_amount_may_be_a_column_that_no_model_sees():
    schema = check_study_input(payments(), card_of(ignore=["amount"]))
    assert schema.feature_names == ["hour"]


def test_a_right_decision_may_cost_something_too():
    raw, card = payments(), card_of({**COSTS, "fraud": {"ok": "amount", "fraud": 2}})
    schema = check_study_input(raw, card)
    costs = decision_costs(raw, schema.encode_target(schema.apply(raw)), schema, card)
    assert set(costs[:, 1]) == {2.0, 5.0}


def test_labels_may_be_written_as_numbers_and_a_card_without_costs_has_none():
    card = parse_card({"target": "y", "costs": {0: {1: 5}, 1: {0: 100}}})
    assert card.costs == {"0": {"1": 5}, "1": {"0": 100}} and card.cost_columns == ()
    raw = payments()
    bare = DataCard(target="state")
    assert decision_costs(raw, np.zeros(200, dtype=int), check_study_input(raw, bare), bare) is None


def test_amounts_are_needed_in_the_rows_of_their_class_only():
    raw = payments()
    raw.loc[raw["state"] == "ok", "amount"] = np.nan
    assert check_study_input(raw, card_of(ignore=["amount"])).target == "state"


REFUSED = {
    "unknown class": (card_of({**COSTS, "frod": {"ok": 1}}), {}, ["class 'frod'", "'fraud'"]),
    "no column": (card_of({**COSTS, "fraud": {"ok": "Amount"}}), {}, ["costs entry 'Amount'", "'amount'"]),
    "one cost only": (card_of({"fraud": {"ok": 5}}), {}, ["decide 'fraud' where 'ok' is true"]),
    "text": (card_of(ignore=["amount"]), {"amount": "much"}, ["'amount'", "number of at least 0"]),
    "negative": (card_of(), {"amount": -1.0}, ["'amount'", "number of at least 0"]),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_costs_that_say_nothing_usable_are_refused(case):
    card, changed, words = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        check_study_input(payments(**changed), card)
    assert all(word in str(refused.value) for word in words)


def test_costs_of_a_quantity_are_refused():
    card = DataCard(target="amount", costs=COSTS)
    with pytest.raises(BadInput, match="on which nothing is decided"):
        check_study_input(payments(), card)


@pytest.mark.parametrize(
    ("costs", "word"),
    [(5, "true class"), ({"ok": 5}, "true class"), ({"ok": {"fraud": -1}}, "at least 0"),
     ({"ok": {"fraud": [1]}}, "number, or"), ({"ok": {"fraud": float("inf")}}, "finite")],
)  # fmt: skip
def test_a_card_with_other_values_for_costs_is_refused_in_one_sentence(costs, word):
    with pytest.raises(BadInput, match=f"`costs`.*{word}"):
        card_of(costs)

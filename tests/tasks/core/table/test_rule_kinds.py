"""Rules of a card: what is refused when the card is read."""

from __future__ import annotations

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import parse_card
from realmix.tasks.core.table.rule_kinds import columns_of


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"kind": "order", "columns": ["a"]}, "at least 2"),
        ({"kind": "unique", "columns": []}, "at least 1"),
        ({"kind": "determines", "columns": ["a"], "column": "a"}, "both sides"),
        ({"kind": "pattern", "column": "a", "pattern": "x" * 501}, "at most 500"),
        ({"kind": "monotone", "column": "a"}, "Field required"),
        ({"kind": "ordr", "columns": ["a", "b"]}, "order"),
        ({"column": "a"}, "kind"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_one_sentence(rule, why):
    with pytest.raises(BadInput, match=why):
        parse_card({"target": "y", "rules": [rule]})


def test_every_column_that_a_rule_names_is_known():
    rules = [
        {"kind": "order", "columns": ["a", "b"]},
        {"kind": "monotone", "column": "a", "along": "b", "within": ["c"]},
        {"kind": "dependency", "when": "a > 1", "then": "b > 1"},
        {"kind": "range", "column": "a"},
    ]
    card = parse_card({"target": "y", "rules": rules})
    assert [columns_of(rule) for rule in card.rules] == [("a", "b"), ("c", "b", "a"), (), ("a",)]

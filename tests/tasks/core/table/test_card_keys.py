"""The page of all keys of the card says what the model says, and its examples are cards."""

from __future__ import annotations

import re
from typing import get_args

import pytest
import yaml

from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.rule_kinds import Rule
from tests.card_keys import PAGE, PARTS, page


def test_the_page_is_the_one_that_the_model_gives():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.card_keys`"


def test_every_nested_model_has_a_section():
    nested = re.findall(r"'\$ref': '#/\$defs/(\w+)'", str(DataCard.model_json_schema()))
    assert {*nested, "DataCard"} == {model.__name__ for model, _, _ in PARTS}
    assert {rule.__name__ for rule in get_args(get_args(Rule)[0])} <= {
        model.__name__ for model, _, _ in PARTS
    }


@pytest.mark.parametrize("example", [example for _, _, example in PARTS])
def test_every_example_is_a_card(example):
    assert parse_card({"target": "y", **yaml.safe_load(example)})

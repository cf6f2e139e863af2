from __future__ import annotations

import pytest
from pydantic import ValidationError

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard, parse_card, read_card

BAD_CARDS = {
    "unknown key": ("target: y\nsensitiv: [age]\n", ["'sensitiv'", "did you mean 'sensitive'"]),
    "no target": ("task: binary\n", ["`target`", "required"]),
    "unknown task": ("target: y\ntask: ranking\n", ["`task`", "'binary'"]),
    "unknown kind": ("target: y\ncolumns: {age: number}\n", ["`columns.age`", "'numeric'"]),
    "price below zero": ("target: y\nprice_per_row: -1\n", ["`price_per_row`", "greater than 0"]),
    "unknown provenance": ("target: y\nprovenance: {boss: me}\n", ["`provenance.boss`"]),
    "broken yaml": ("target: [y\n", ["not valid YAML", "line"]),
    "a list": ("- target\n", ["no `key: value` pairs"]),
    "nothing": ("", ["no `key: value` pairs"]),
    "an alias": ("target: y\nsensitive: &a [x]\nslices: *a\n", ["an alias", "line 3"]),
    "nested deep": ("target: y\nrules: " + "[" * 2_000, ["more than 10 levels", "line 2"]),
    "larger than any card": ("target: y\n#" + "x" * 1_100_000, ["1,000,000 characters"]),
    "a key that is a number": ("target: y\n3: x\n", ["the key 3 is no word"]),
    "a key that is null": ("target: y\n~: x\n", ["the key None is no word"]),
    "a key that is a date": ("target: y\n2026-01-05: x\n", ["the key 2026-01-05 is no word"]),
    "a date that does not exist": ("target: y\nkey: 2026-13-45\n", ["not valid YAML"]),
    "a range upside down": (
        "target: y\nrules: [{kind: range, column: a, minimum: 99, maximum: 1}]\n",
        ["minimum 99 is above the maximum 1"],
    ),
    "a minimum that is no number": (
        "target: y\nrules: [{kind: range, column: a, minimum: .nan}]\n",
        ["finite number"],
    ),
    "a leak that allows everybody": (
        "target: y\nprivacy: {max_tpr: 1}\n",
        ["`privacy.max_tpr`", "less than 1"],
    ),
    "a certain prior": ("target: y\nprivacy: {prior: 1}\n", ["`privacy.prior`", "less than 1"]),
    "harm without a prior": ("target: y\nprivacy: {harm: 100}\n", ["`privacy`", "harm needs `prior`"]),
    "a rule without kind": ("target: y\nrules: [{column: age}]\n", ["`rules.0"]),
}


@pytest.mark.parametrize("case", BAD_CARDS)
def test_a_bad_card_gets_one_sentence(case, tmp_path):
    text, words = BAD_CARDS[case]
    path = tmp_path / "card.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_card(path)
    assert [word for word in words if word not in str(caught.value)] == []
    assert str(path) in str(caught.value)


def test_a_card_that_is_no_text_gets_one_sentence(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_bytes(b"target: \xff\xfe\n")
    with pytest.raises(BadInput, match="not valid YAML"):
        read_card(path)


def test_a_missing_card_gets_one_sentence(tmp_path):
    with pytest.raises(BadInput, match=r"Cannot read the card.*--card"):
        read_card(tmp_path / "none.yaml")


def test_an_unknown_key_lists_the_known_ones():
    with pytest.raises(BadInput, match=r"Known: .*target"):
        parse_card({"target": "y", "colour": 1})


def test_the_target_alone_is_a_card():
    card = parse_card({"target": "y"})
    assert card == DataCard(target="y")
    assert card.roles == {}


def test_roles_are_those_declared():
    card = parse_card({"target": "y", "key": "id", "time": "day", "ignore": ["note"]})
    assert card.roles == {"note": "ignored", "id": "key", "day": "time"}


def test_a_card_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        DataCard(target="y").target = "z"


def test_protected_columns_are_the_sensitive_ones_and_the_slices_each_once():
    card = parse_card({"target": "y", "sensitive": ["sex", "age"], "slices": ["plan", "sex"]})
    assert card.protected == ("sex", "age", "plan")


def test_a_card_that_declares_no_costs_has_the_digest_that_it_had_before_there_were_any():
    assert not {"costs", "metric", "alert_rate"} & set(DataCard(target="y").studied)
    declared = DataCard(target="y", metric="cost", costs={"a": {"b": 1}, "b": {"a": 2}}, alert_rate=0.1)
    assert DataCard(**declared.studied) == declared


def test_a_card_without_privacy_keeps_its_digest():
    assert "privacy" not in DataCard(target="y").studied
    declared = DataCard(target="y", privacy={"max_tpr": 0.05, "prior": 0.1, "harm": 200})
    assert DataCard(**declared.studied) == declared

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard, parse_card, read_card
from realmix.tasks.core.table.checks import RESERVED_PREFIX, check_study_input
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.infer_card import card_to_yaml, infer_card, suggest


def patients(n_rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "patient_id": [f"p{i:04d}" for i in range(n_rows)],
            "age": rng.integers(18, 90, n_rows),
            "Sex": rng.choice(["f", "m"], n_rows),
            "yes": rng.choice(["on", "off", None], n_rows),
            "no: odd # name": rng.normal(size=n_rows),
            "seen": pd.date_range("2026-01-01", periods=n_rows).astype(str),
            "clinic": "Lund",
            "language": rng.choice(["sv", "fi"], n_rows),
            "ill": rng.choice([0, 1], n_rows),
        }
    )


def test_everything_but_the_target_is_inferred():
    card = infer_card(patients(), "ill", "patients.csv")
    assert (card.source, card.task, card.positive) == ("patients.csv", "binary", "1")
    assert (card.key, card.sensitive) == (None, ()), "only its owner declares these"
    assert card.columns["seen"] == "datetime" and card.columns["clinic"] == "constant"
    assert "ill" not in card.columns
    assert card.time is None and card.group is None


def test_the_inferred_card_leads_to_the_schema_of_the_bare_table():
    raw = patients()
    bare = check_study_input(raw, DataCard(target="ill"))
    carded = check_study_input(raw, infer_card(raw, "ill"))
    assert carded == bare


def test_a_key_and_sensitive_columns_are_suggested_as_comments_that_can_be_uncommented():
    raw = patients()
    card = infer_card(raw, "ill")
    schema = check_study_input(raw, card)
    suggested = suggest(raw, schema)
    assert suggested == {"key": "patient_id", "sensitive": ["age", "Sex"]}
    text = card_to_yaml(card, schema, suggested=suggested)
    assert parse_card(yaml.safe_load(text)) == card
    declared = text.replace("\n# key:", "\nkey:").replace("\n# sensitive:", "\nsensitive:")
    found = parse_card(yaml.safe_load(declared))
    assert (found.key, found.sensitive) == ("patient_id", ("age", "Sex"))


def test_a_key_is_not_guessed_where_it_repeats():
    raw = patients()
    raw["patient_id"] = raw["patient_id"].where(raw.index > 0, "p0001")
    assert "key" not in suggest(raw, check_study_input(raw, DataCard(target="ill")))


def test_a_leaky_table_still_gets_its_card():
    raw = patients().assign(code=lambda t: t["ill"].map({0: "a", 1: "b"}))
    with pytest.raises(BadInput, match="leak"):
        check_study_input(raw, infer_card(raw, "ill"))


def test_a_table_without_the_target_gets_none():
    with pytest.raises(BadInput, match="did you mean 'ill'"):
        infer_card(patients(), "il")


def test_the_written_card_is_read_back_as_it_was(tmp_path):
    raw = patients()
    card = infer_card(raw, "ill", "patients.csv")
    path = tmp_path / "card.yaml"
    path.write_text(card_to_yaml(card, check_study_input(raw, card)), encoding="utf-8")
    assert read_card(path) == card


def test_a_full_card_is_read_back_as_it_was(tmp_path):
    raw = patients()
    declared = {
        "target": "ill",
        "positive": "1",
        "key": "patient_id",
        "time": "seen",
        "ignore": ["yes"],
        "slices": ["language"],
        "rules": [
            {"kind": "range", "column": "age", "minimum": 0},
            {"kind": "dependency", "when": "age < 18", "then": "Sex == 'f'"},
            {"kind": "distribution", "column": "Sex", "values": {"f": 0.5, "m": 0.5}},
            {"kind": "distribution", "column": "age", "distribution": "uniform", "parameters": {"low": 1}},
            {"kind": "derived", "column": "age", "expression": "age * 1"},
        ],
        "provenance": {"owner": "Clinic: Lund", "licence": "CC BY 4.0"},
        "price_per_row": 12.5,
        "days_per_row": 0.1,
    }
    card = parse_card(declared)
    path = tmp_path / "card.yaml"
    path.write_text(card_to_yaml(card, check_study_input(raw, card)), encoding="utf-8")
    assert read_card(path) == card


def test_every_field_is_explained_and_no_cell_is_quoted():
    raw = patients()
    card = infer_card(raw, "ill")
    text = card_to_yaml(card, check_study_input(raw, card))
    assert all(f"\n{field}:" in text for field in DataCard.model_fields)
    assert text.count("\n# ") >= len(DataCard.model_fields) - 2
    assert "  age: numeric  # integer" in text and "some cells missing" in text
    assert "p0001" not in text and "Lund" not in text


def test_hints_stand_above_the_fields_as_comments_and_the_card_reads_back(tmp_path):
    raw = pd.DataFrame({"age": [20, 30, 25] * 20, "bought": ["no", "yes", "no"] * 20})
    card = infer_card(raw, "bought")
    schema = check_study_input(raw, card.model_copy(update={"allow_leaks": ("age",)}))
    hint = Hint("leak", ("age",), "'age' alone tells the target.", ("ignore: [age]",), is_strong=True)
    text = card_to_yaml(card, schema, [hint])
    assert "# ANSWER THIS: 'age' alone tells the target. Answer in the card: `ignore: [age]`." in text
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_card(path) == card


HOSTILE_NAMES = [
    "income\n(EUR)", "two\n\n\nlines", "- dash", "? key", ": colon", "#hash", "a: b # c", "yes", "null", "2019", "1e5", "~",
    "self", "'quoted'", '"', "\\", "\t", " blank ", "x" * 2_000, "été ☃", "\u2028", "\x85", "!tag", "&a", "*a", "{", "[", "%", "\x07",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_any_column_name_survives_the_card(name, tmp_path):
    assert_read_back(name, tmp_path)


@settings(max_examples=100, deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda name: not name.startswith(RESERVED_PREFIX)
    )
)
def test_any_drawn_column_name_survives_the_card(name, tmp_path_factory):
    assert_read_back(name, tmp_path_factory.mktemp("card"))


def assert_read_back(name: str, folder) -> None:
    raw = pd.DataFrame(
        {name: range(0, 180, 3), f"{name}!": ["x", "y", "z"] * 20, "the target": ["no", "yes"] * 30}
    )
    card = infer_card(raw, "the target", "t.csv")
    path = folder / "card.yaml"
    path.write_text(card_to_yaml(card, check_study_input(raw, card)), encoding="utf-8")
    assert read_card(path) == card and set(card.columns) == {name, f"{name}!"}


@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "row_id", "rownames", "level_0", "Row"])
def test_a_row_number_is_no_key(name):
    raw = patients().drop(columns="patient_id").assign(**{name: range(120)})
    assert "key" not in suggest(raw, check_study_input(raw, DataCard(target="ill")))

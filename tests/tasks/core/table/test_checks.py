from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.schema import Schema

N_ROWS = 200


def customers(n_rows: int = N_ROWS, **changed: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = {
        "customer_id": np.arange(n_rows),
        "age": rng.integers(18, 90, n_rows),
        "town": rng.choice(["Oulu", "Lund", "Ghent"], n_rows),
        "balance": rng.normal(size=n_rows),
        "bought": rng.choice(["no", "yes"], n_rows, p=[0.7, 0.3]),
    }
    return pd.DataFrame(table | changed)


def with_cell(column: str, value: Any) -> pd.DataFrame:
    table = customers()
    table[column] = table[column].astype(object if isinstance(value, str) else table[column].dtype)
    table.loc[3, column] = value
    return table


def labels(**counts: int) -> list[str]:
    return [label for label, count in counts.items() for _ in range(count)]


def bought_as(no: Any, yes: Any) -> list[Any]:
    return [yes if label == "yes" else no for label in customers()["bought"]]


def test_a_sound_table_gives_its_schema():
    schema = check_study_input(customers(), DataCard(target="bought"))
    assert schema.feature_names == ["age", "town", "balance"]
    assert (schema.task, schema.positive) == ("binary", "yes")


def test_what_the_card_declares_wins():
    card = DataCard(target="bought", positive="no", columns={"age": "categorical"}, ignore=("town",))
    schema = check_study_input(customers(), card)
    assert schema.positive == "no" and schema["age"].kind == "categorical"
    assert schema.feature_names == ["age", "balance"]


def test_a_regression_passes_with_features_that_only_resemble_the_target():
    table = customers()
    table["debt"] = table["balance"] + np.random.default_rng(1).normal(scale=0.01, size=N_ROWS)
    assert check_study_input(table, DataCard(target="balance")).task == "regression"


DECLARED = {"target": "bought"}
BAD_TABLES: dict[str, tuple[pd.DataFrame, dict[str, Any], list[str]]] = {
    "misspelt target": (customers(), {"target": "bougth"}, ["'bougth'", "did you mean 'bought'", "--target"]),
    "target in another case": (customers(), {"target": "BOUGHT"}, ["did you mean 'bought'"]),
    "unknown target": (customers(), {"target": "zzz"}, ["'zzz'", "It has: customer_id, age", "--target"]),
    "missing key": (customers(), {"key": "id_customer"}, ["key 'id_customer'", "'customer_id'", "the card"]),
    "missing sensitive": (customers(), {"sensitive": ["agee"]}, ["sensitive", "did you mean 'age'"]),
    "missing slices": (customers(), {"slices": ["agee"]}, ["slices", "did you mean 'age'"]),
    "missing declared type": (customers(), {"columns": {"zip": "categorical"}}, ["columns", "'zip'"]),
    "missing rule column": (
        customers(),
        {"rules": [{"kind": "range", "column": "agee", "minimum": 0}]},
        ["rule 1", "did you mean 'age'"],
    ),
    "missing name in a rule": (
        customers(),
        {"rules": [{"kind": "dependency", "when": "agee < 18", "then": "balance == 0"}]},
        ["rule 1", "'agee'", "Correct the rule"],
    ),
    "broken rule": (
        customers(),
        {"rules": [{"kind": "derived", "column": "age", "expression": "balance +* 2"}]},
        ["rule 1", "cannot be parsed", "correct the rule"],
    ),
    "code in a rule": (
        customers(),
        {"rules": [{"kind": "dependency", "when": "@pd.io.common.os.getcwd() == ''", "then": "age > 0"}]},
        ["rule 1", "cannot be used"],
    ),
    "function in a rule": (
        customers(),
        {"rules": [{"kind": "derived", "column": "age", "expression": "sqrt(balance)"}]},
        ["rule 1", "Call is not allowed"],
    ),
    "two roles": (customers(), {"key": "bought"}, ["'bought'", "target", "key", "one role"]),
    "target ignored": (customers(), {"ignore": ["bought"]}, ["'bought'", "target", "ignore"]),
    "59 rows": (customers(59), {}, ["59 rows", "at least 60"]),
    "missing label": (with_cell("bought", None), {}, ["missing in 1 of 200 rows", "remove the rows"]),
    "one class": (customers(bought="no"), {}, ["one class only", "200 rows"]),
    "nine rows of a class": (
        customers(bought=labels(no=191, yes=9)),
        {},
        ["class 'yes'", "9 rows", "at least 10"],
    ),
    "two rare classes": (
        customers(bought=labels(no=185, maybe=9, yes=6)),
        {},
        ["class 'yes'", "6 rows", "1 more"],
    ),
    "names as target": (
        customers(bought=[f"person {i}" for i in range(N_ROWS)]),
        {},
        ["200 distinct values", "not classes"],
    ),
    "regression on words": (customers(), {"task": "regression"}, ["regression", "no numbers", "--task"]),
    "constant quantity": (
        customers(balance=1.5),
        {"target": "balance", "task": "regression"},
        ["same value in all 200 rows"],
    ),
    "infinite target": (with_cell("balance", np.inf), {"target": "balance"}, ["target", "infinite in 1"]),
    "infinite feature": (with_cell("balance", -np.inf), {}, ["'balance'", "infinite in 1 of 200"]),
    "binary with three classes": (
        customers(),
        {"target": "town", "task": "binary"},
        ["3 classes", "multiclass"],
    ),
    "multiclass with two": (customers(), {"task": "multiclass"}, ["two classes", "binary"]),
    "positive of three classes": (
        customers(),
        {"target": "town", "positive": "Oulu"},
        ["positive", "3 classes"],
    ),
    "positive of a quantity": (
        customers(),
        {"target": "balance", "positive": "1"},
        ["positive", "regression"],
    ),
    "unknown positive": (customers(), {"positive": "si"}, ["'si'", "no, yes"]),
    "only identifiers": (
        customers()[["customer_id", "bought"]],
        {},
        ["No feature", "customer_id (identifier)"],
    ),
    "only constants": (
        customers()[["bought"]].assign(shop="Oulu"),
        {},
        ["No feature", "shop (constant)"],
    ),
    "only the target": (customers()[["bought"]], {}, ["No feature", "no other column"]),
    "all features ignored": (
        customers()[["age", "bought"]],
        {"ignore": ["age"]},
        ["No feature", "age (ignored)"],
    ),
    "copied target": (customers(copy=bought_as("no", "yes")), {}, ["'copy'", "leak", "allow_leaks"]),
    "recoded target": (customers(code=bought_as(0, 1)), {}, ["'code'", "leak"]),
    "target as empty cells": (customers(code=bought_as(None, "x")), {}, ["'code'", "leak"]),
    "target with empty cells": (
        customers(code=[*bought_as("a", "b")[:150], *[None] * 50]),
        {},
        ["'code'", "leak"],
    ),
    "scaled quantity": (
        customers().assign(cents=lambda t: t["balance"] * 100 + 3),
        {"target": "balance"},
        ["'cents'", "leak"],
    ),
    "text where numbers are declared": (
        customers(),
        {"columns": {"town": "numeric"}},
        ["'town'", "holds text"],
    ),
    "negative weight": (customers(), {"weight": "balance"}, ["weight", "'balance'", "at least 0"]),
    "words as weight": (customers(), {"weight": "town"}, ["weight", "'town'"]),
    "words as time": (customers(), {"time": "town"}, ["time", "'town'", "no date"]),
    "some words as time": (
        customers(day=["2026-01-31"] * 150 + ["soon"] * 50),
        {"time": "day"},
        ["time", "'day'", "no date in 50 of 200 rows"],
    ),
    "three times": (
        customers(year=np.arange(N_ROWS) % 3),
        {"time": "year"},
        ["time", "'year'", "3 distinct values", "at least 4"],
    ),
    "two groups": (
        customers(shop=np.arange(N_ROWS) % 2),
        {"group": "shop"},
        ["group", "'shop'", "2 groups", "at least 3"],
    ),
    "gap in the time": (with_cell("balance", np.nan), {"time": "balance"}, ["time", "missing in 1 of 200"]),
    "gap in the group": (with_cell("town", None), {"group": "town"}, ["group", "missing in 1 of 200"]),
    "reserved name": (customers(_realmix_weight=1.0), {}, ["_realmix_weight", "Rename"]),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_what_cannot_be_studied_gets_one_sentence(case):
    table, declared, words = BAD_TABLES[case]
    with pytest.raises(BadInput) as caught:
        check_study_input(table, parse_card(DECLARED | declared))
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message and message.endswith(".")


def test_a_leak_is_let_through_where_it_is_allowed_or_ignored():
    table = customers(code=bought_as(0, 1))
    allowed = check_study_input(table, DataCard(target="bought", allow_leaks=("code",)))
    assert "code" in allowed.feature_names
    assert "code" not in check_study_input(table, DataCard(target="bought", ignore=("code",))).feature_names


def test_a_feature_with_more_levels_than_classes_is_no_leak():
    towns = pd.Series(bought_as("Oulu", "Lund"))
    towns[:5] = "Ghent"
    assert "town" in check_study_input(customers(town=towns), DataCard(target="bought")).feature_names


def test_a_rule_whose_names_are_known_passes():
    rules = [
        {"kind": "dependency", "when": "age < 18 and town == 'Oulu'", "then": "balance == 0"},
        {"kind": "distribution", "column": "town", "values": {"Oulu": 1.0}},
        {"kind": "derived", "column": "age", "expression": "balance * 2 + `customer_id`"},
    ]
    check_study_input(customers(), parse_card({"target": "bought", "rules": rules}))


def test_no_message_quotes_a_cell_of_a_feature():
    table = customers(town=["secret-town"] * 100 + ["Oulu"] * 100)
    for declared in ({"weight": "town"}, {"time": "town"}, {"columns": {"town": "numeric"}}):
        with pytest.raises(BadInput) as caught:
            check_study_input(table, parse_card(DECLARED | declared))
        assert "secret" not in str(caught.value)


def test_a_time_column_of_dates_is_a_feature_but_not_the_only_one_that_counts():
    days = pd.date_range("2026-01-01", periods=N_ROWS).astype(str)
    schema = check_study_input(customers(day=days), DataCard(target="bought", time="day"))
    assert schema["day"].kind == "datetime" and schema.with_role("time") == "day"


@pytest.mark.parametrize("times", [np.arange(N_ROWS), np.arange(N_ROWS) % 4, np.arange(N_ROWS) // 2 * 0.5])
def test_numbers_as_time_are_numbers_whatever_they_look_like(times):
    schema = check_study_input(customers(when=times), DataCard(target="bought", time="when"))
    assert schema["when"].kind == "numeric" and "when" in schema.feature_names


def test_a_rule_over_a_column_with_gaps_in_the_first_rows_passes():
    member = pd.Series([None] * 50 + [True, False] * 75, dtype=object)
    rules = [{"kind": "dependency", "when": "member == True", "then": "age > 0"}]
    check_study_input(customers(member=member), parse_card({"target": "bought", "rules": rules}))


def refusal(target: Any, **declared: Any) -> str:
    table = customers(bought=target)
    with pytest.raises(BadInput) as caught:
        check_study_input(table, DataCard(target="bought", **declared))
    return str(caught.value)


def test_a_count_with_rare_values_is_told_of_regression_and_that_works():
    counts = np.minimum(np.random.default_rng(1).poisson(1.2, N_ROWS), 9)
    assert "use --task regression if the number counts" in refusal(counts)
    assert (
        check_study_input(customers(bought=counts), DataCard(target="bought", task="regression")).task
        == "regression"
    )


def test_quantities_declared_as_classes_are_told_of_regression():
    assert "Use --task regression." in refusal(
        np.random.default_rng(1).normal(size=N_ROWS), task="multiclass"
    )


def test_no_hint_for_a_target_of_text_leads_to_the_next_refusal():
    prices = [f"$ {i}.5" for i in range(N_ROWS)]
    for declared in ({}, {"task": "multiclass"}, {"task": "regression"}):
        message = refusal(prices, **declared)
        assert "--task" not in message and "plain numbers" in message
    assert "--task" not in refusal([f"name {'x' * i}" for i in range(N_ROWS)])
    assert "Use --task binary" in refusal(bought_as("no", "yes"), task="regression")


def test_a_class_in_two_spellings_is_refused_with_both_unless_it_is_sensitive():
    raw = customers().assign(bought=["yes", "Yes ", "no", "no"] * 50)
    with pytest.raises(
        BadInput, match=r"'bought' differ by blanks or by upper and lower case only: 'Yes ' and 'yes'"
    ):
        check_study_input(raw, DataCard(target="bought"))
    with pytest.raises(BadInput, match="two spellings"):
        check_study_input(raw, DataCard(target="bought", sensitive=("bought",)))


def test_directions_of_numbers_are_part_of_the_schema_and_so_is_the_most_leaves():
    card = parse_card(
        {
            "target": "bought",
            "monotone": {"age": "increasing"},
            "deploy": {"max_leaves": 16, "readable": True},
        }
    )
    schema = check_study_input(customers(), card)
    assert schema.monotone == {"age": "increasing"} and schema.max_leaves == 16
    assert schema.signs(["age", "town"]) == [1, 0]
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (
            {"monotone": {"town": "increasing"}},
            r"`monotone` names 'town', which is no numeric feature; expected one of age",
        ),
        (
            {"monotone": {"agee": "increasing"}},
            "The monotone entry 'agee' is no column of the table; did you mean 'age'",
        ),
        ({"monotone": {"age": "increasing"}, "ignore": ["age"]}, "no numeric feature"),
        ({"monotone": {"age": "up"}}, r"`monotone\.age`"),
        ({"deploy": {"max_leaves": 1}}, r"`deploy\.max_leaves`.*greater than or equal to 2"),
        ({"deploy": {"quick": True}}, r"`deploy\.quick`"),
    ],
)
def test_a_direction_or_a_limit_that_cannot_be_kept_gets_one_sentence(declared, reason):
    with pytest.raises(BadInput, match=reason):
        check_study_input(customers(), parse_card({"target": "bought", **declared}))


def test_a_direction_of_several_classes_is_refused():
    raw = customers(198, bought=["a", "b", "c"] * 66)
    with pytest.raises(
        BadInput, match="needs a quantity or two classes, and the target 'bought' has 3 classes"
    ):
        check_study_input(raw, parse_card({"target": "bought", "monotone": {"age": "increasing"}}))


def test_a_card_without_limits_has_the_digest_that_it_had_before():
    assert not {"monotone", "deploy"} & set(DataCard(target="y").studied)
    assert DataCard(target="y", deploy={"readable": True}).studied["deploy"]["readable"] is True

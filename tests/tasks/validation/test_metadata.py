from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd

from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.validation.metadata import narrowed, personal_columns, suite_metadata


def test_suites_are_built_from_plain_json_values(schema, card):
    metadata = suite_metadata(schema, card, rule_columns=[2])
    assert json.loads(json.dumps(metadata))["key"] == "id"
    assert metadata["time"] is None and metadata["rule_columns"] == [2]
    assert [rule["kind"] for rule in metadata["rules"]] == ["range", "distribution", "dependency"]
    names = [column["name"] for column in metadata["schema"]["columns"]]
    assert names == [column.name for column in schema.columns]


def test_bounds_of_dates_are_whole_seconds_that_hold_every_moment_between(schema, card):
    moments = dataclasses.replace(schema["since"], minimum=0.25, maximum=86_400.75)
    columns = tuple(moments if column.name == "since" else column for column in schema.columns)
    metadata = suite_metadata(dataclasses.replace(schema, columns=columns), card)
    (since,) = [column for column in metadata["schema"]["columns"] if column["name"] == "since"]
    assert (since["minimum"], since["maximum"]) == ("1970-01-01T00:00:00", "1970-01-02T00:00:01")


def test_who_somebody_is_shows_in_keys_identifiers_free_text_and_what_the_card_calls_sensitive():
    rng = np.random.default_rng(0)
    raw = pd.DataFrame(
        {
            "person": rng.permutation(60),
            "ticket": [f"ticket {i}" for i in range(60)],
            "note": [f"the customer called {i} times on a Monday morning" for i in range(60)],
            "faith": ["jain", "none"] * 30,
            "job": ["cook", "nurse"] * 30,
            "y": [0, 1] * 30,
        }
    )
    card = DataCard(target="y", key="person", sensitive=("faith",))
    schema = infer_schema(raw, "y", roles=card.roles)
    assert personal_columns(schema, card) == {"person", "ticket", "note", "faith"}


def test_a_narrowed_schema_knows_the_levels_and_ranges_of_those_rows_only(schema, table):
    rows = schema.apply(table())
    few = rows[rows["job"] == "cook"].head(5)
    narrow = narrowed(schema, few)
    assert narrow["job"].levels == ("cook",) and schema["job"].levels == ("cook", "nurse")
    assert (narrow["age"].minimum, narrow["age"].maximum) == (few["age"].min(), few["age"].max())
    assert narrow["id"] == schema["id"], "what is not modelled stays"
    assert [c.name for c in narrow.columns] == [c.name for c in schema.columns]


def test_a_column_without_a_value_in_those_rows_has_no_range():
    raw = pd.DataFrame({"x": [1.5, 2.5, None, None], "y": [0, 1, 0, 1]})
    schema = infer_schema(raw, "y")
    narrow = narrowed(schema, schema.apply(raw)[2:])
    assert (narrow["x"].minimum, narrow["x"].maximum) == (None, None)


def test_a_card_without_rules_makes_a_suite_without_them(schema):
    assert suite_metadata(schema, parse_card({"target": "bought"}))["rules"] == []

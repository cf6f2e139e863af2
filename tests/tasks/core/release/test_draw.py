"""What of drawn rows may be shared: nothing rare, nothing that breaks a rule, no name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.release.draw import as_declared, as_file, deal, identifying, shareable
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.infer_schema import schema_of

CARD = {
    "target": "ill",
    "key": "id",
    "sensitive": ["job"],
    "columns": {"note": "text", "age": "numeric", "twice": "numeric"},
    "rules": [
        {"kind": "derived", "column": "twice", "expression": "2 * age"},
        {"kind": "dependency", "when": "age < 30", "then": "job != 'clerk'"},
    ],
}


def card(**changes) -> DataCard:
    return parse_card(CARD | changes)


def people(n_rows: int = 200) -> pd.DataFrame:
    """Four ages, fifty people of each; a clerk for each nurse from 30 on, and one mayor."""
    rng = np.random.default_rng(0)
    age = np.tile([20, 30, 40, 50], n_rows // 4)
    job = np.where(age < 30, "nurse", rng.choice(["nurse", "clerk"], n_rows)).astype(object)
    job[1] = "mayor"
    return pd.DataFrame(
        {
            "id": [f"P{place:03d}" for place in range(n_rows)],
            "note": [f"a long remark on somebody, number {place}" for place in range(n_rows)],
            "age": age,
            "twice": 2 * age,
            "job": job,
            "ward": "north",
            "ill": rng.choice(["no", "yes"], n_rows),
        }
    )


RAW = people()
SCHEMA = schema_of(RAW, card())
REAL = SCHEMA.apply(RAW)


def drawn(**cells) -> pd.DataFrame:
    n_rows = len(next(iter(cells.values())))
    usual = {
        "age": [40.0] * n_rows,
        "twice": [0.0] * n_rows,
        "job": ["nurse"] * n_rows,
        "ill": ["no"] * n_rows,
    }
    return pd.DataFrame(usual | cells)[[column.name for column in SCHEMA.modelled]]


def test_derived_columns_are_computed_and_what_breaks_a_rule_or_is_rare_is_dropped_and_counted():
    rows = drawn(age=[40.0, 20.0, 40.0, 30.0], job=["clerk", "clerk", "mayor", "nurse"])
    kept, dropped = shareable(rows, REAL, SCHEMA, card(), 10)
    assert kept["job"].tolist() == ["clerk", "nurse"] and kept["twice"].tolist() == [80.0, 60.0]
    assert (dropped.n_drawn, dropped.broke_rules, dropped.rare_combinations) == (4, 1, 1)


def test_no_more_rows_are_kept_than_were_asked_for_and_rows_without_a_target_are_none():
    rows = drawn(age=[40.0] * 5, ill=["no", None, "yes", "yes", "no"])
    kept, _ = shareable(rows, REAL, SCHEMA, card(), 3)
    assert kept["ill"].tolist() == ["no", "yes", "yes"]


def test_a_rare_number_is_rounded_before_rules_are_checked():
    rows = drawn(age=[41.3, 97.0])
    kept, _ = shareable(rows, REAL, SCHEMA, card(), 10)
    assert set(kept["age"]) <= {40.0, 50.0} and (kept["twice"] == 2 * kept["age"]).all()


def test_people_are_known_by_what_the_card_names_of_the_modelled_columns_each_once():
    declared = card(sharing={"identifying": ["age", "job", "note"]}, slices=["ill"])
    assert list(identifying(declared, SCHEMA)) == ["age", "job", "ill"]
    assert list(identifying(card(), SCHEMA)) == ["job"]


def test_a_file_has_the_columns_of_the_table_with_made_up_names_and_without_texts():
    rows, replaced = as_file(drawn(age=[40.0, 30.0], twice=[80.0, 60.0]), SCHEMA)
    assert list(rows.columns) == list(RAW.columns)
    assert rows["id"].tolist() == ["synthetic-000001", "synthetic-000002"] and rows["note"].isna().all()
    assert replaced == {"id": "holds made-up labels", "note": "is left empty"}
    assert rows["ward"].tolist() == ["north", "north"], "a constant tells nothing of anybody"
    assert not set(rows["id"]) & set(RAW["id"]) and rows["age"].tolist() == [40, 30]


def test_dates_without_a_time_of_day_are_written_without_one():
    raw = pd.DataFrame(
        {"seen": ["2024-01-02", "2024-03-04"] * 40, "at": ["2024-01-02T08:30:00", "2024-03-04T00:00:00"] * 40,
         "ill": ["no", "yes"] * 40}
    )  # fmt: skip
    schema = schema_of(raw, parse_card({"target": "ill", "columns": {"seen": "datetime", "at": "datetime"}}))
    rows, _ = as_file(schema.apply(raw.iloc[:2]), schema)
    assert rows["seen"].tolist() == ["2024-01-02", "2024-03-04"]
    assert rows["at"].tolist() == ["2024-01-02T08:30:00", "2024-03-04T00:00:00"]


def test_rows_of_declared_bins_get_their_types_and_keep_the_rules():
    columns = {
        "day": {"edges": ["2024-01-01", "2024-12-31"], "whole": True},
        "age": {"edges": [18, 30, 95], "whole": True, "missing": True},
        "job": {"values": ["nurse", "clerk"]},
        "ill": {"values": ["no", "yes"]},
    }
    declared = parse_card(
        {"target": "ill", "dp": {"epsilon": 1, "columns": columns}, "rules": [CARD["rules"][1]]}
    )
    rows = pd.DataFrame(
        {
            "day": [86_400.0 * 19_800] * 3,
            "age": [44.0, 20.0, np.nan],
            "job": ["clerk", "clerk", "nurse"],
            "ill": ["no", "no", "yes"],
        }
    )
    kept = as_declared(rows, declared)
    assert kept["job"].tolist() == ["clerk", "nurse"], "a clerk of 20 breaks the rule"
    assert kept["day"].tolist() == ["2024-03-18"] * 2
    assert str(kept["age"].dtype) == "Int64" and kept["age"].isna().tolist() == [False, True]


@pytest.mark.parametrize("n_folds", [3, 5])
def test_each_row_is_dealt_once_and_most_are_learned(n_folds):
    parts = deal(np.arange(60) % n_folds)
    assert sorted(np.concatenate(parts)) == list(range(60))
    assert [len(part) for part in parts] == [60 * (n_folds - 2) // n_folds, 60 // n_folds, 60 // n_folds]

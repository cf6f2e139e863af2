from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.runtime.holdout_rules import registered_rule, registration_path, start_epoch
from tests.tasks.shop_table import rows, table_of

pytestmark = pytest.mark.usefixtures("own_home")


def test_the_first_rule_stays_when_a_column_is_no_longer_a_feature(tmp_path: Path) -> None:
    table = table_of(rows(), tmp_path)
    rule = registered_rule(table, rows())
    roles = {"age": "ignored"}
    other = dataclasses.replace(table, schema=infer_schema(rows(), "y", roles=roles))  # type: ignore[arg-type]
    assert registered_rule(other, rows()) == rule


def test_a_lost_column_is_named_with_the_file_to_remove(tmp_path: Path) -> None:
    registered_rule(table_of(rows(), tmp_path), rows())
    raw = rows().drop(columns="age")
    with pytest.raises(BadInput, match=r"column 'age'.*remove .*train\.y\.hash\.[0-9a-f]{8}\.json"):
        registered_rule(table_of(raw, tmp_path), raw)


def test_columns_do_not_matter_where_a_key_decides(tmp_path: Path) -> None:
    rule = registered_rule(table_of(rows(), tmp_path, key="shop"), rows())
    raw = rows().drop(columns="age")
    assert registered_rule(table_of(raw, tmp_path, key="shop"), raw) == rule


def test_tables_of_one_name_and_both_ways_to_split_have_rules_of_their_own(tmp_path: Path) -> None:
    tables = [
        table_of(rows(), tmp_path),
        table_of(rows(), tmp_path, source="elsewhere/train.csv"),
        table_of(rows(), tmp_path, time="income"),
        table_of(rows(), tmp_path, time="age"),
    ]
    rules = [registered_rule(table, rows()) for table in tables]
    assert len({registration_path(t.name, t.card, t.schema) for t in tables}) == 4
    assert [rule.cutoff is not None for rule in rules] == [False, False, True, True]
    path = registration_path(tables[2].name, tables[2].card, tables[2].schema)
    assert json.loads(path.read_text())["cutoff"] == rules[2].cutoff


def test_a_new_epoch_moves_the_cut_off_forward_and_nothing_else_does(tmp_path: Path) -> None:
    raw = rows().assign(day=np.arange(800))
    table = table_of(raw, tmp_path, time="day")
    first = registered_rule(table, raw)
    assert start_epoch(table, raw) is None
    grown = pd.concat([raw, raw.assign(day=raw["day"] + 800)], ignore_index=True)
    assert registered_rule(table, grown) == first
    later = table_of(grown, tmp_path, time="day")
    assert start_epoch(later, grown) == (first.cutoff, registered_rule(later, grown).cutoff)
    held = grown["day"] > registered_rule(later, grown).cutoff
    assert held.mean() == pytest.approx(0.2, abs=0.01)
    assert (raw["day"] > first.cutoff).any()
    assert not held[:800].any()


def test_tables_without_time_have_no_epochs(tmp_path: Path) -> None:
    registered_rule(table_of(rows(), tmp_path), rows())
    assert start_epoch(table_of(rows(1600), tmp_path), rows(1600)) is None

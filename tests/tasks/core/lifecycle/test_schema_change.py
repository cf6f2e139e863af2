"""Differences between the columns of a batch and of its table, without cells of sensitive columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.schema_change import SchemaChange, convert, describe_schema_change
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.infer_schema import infer_schema

CARD = parse_card({"target": "bought", "key": "id", "sensitive": ["faith"], "ignore": ["note"]})


def table(n_rows: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(n_rows),
            "height": rng.normal(1.7, 0.1, n_rows),
            "faith": rng.choice(["jain", "zoroastrian"], n_rows),
            "job": rng.choice(["cook", "nurse"], n_rows),
            "note": "spoken to",
            "bought": rng.choice(["no", "yes"], n_rows),
        }
    )


def change(batch: pd.DataFrame, card: DataCard = CARD, **options: bool) -> SchemaChange:
    schema = infer_schema(table(), "bought", roles=card.roles)
    return describe_schema_change(schema, table(), batch, card, **options)


def test_a_batch_like_its_table_changes_nothing():
    assert change(table(seed=1)) == SchemaChange()
    assert change(table(seed=1)).sentences == [] and change(table(seed=1)).refusal is None


def test_a_new_and_a_lost_column_are_named():
    found = change(table(seed=1).drop(columns="note").assign(town="Oulu"))
    assert found.sentences == ["The column 'town' is new.", "The column 'note' is missing."]
    assert found.refusal is None


@pytest.mark.parametrize("column", ["height", "bought", "id", "faith"])
def test_a_lost_feature_target_key_or_protected_column_refuses_the_batch(column):
    assert f"no column '{column}'" in str(change(table(seed=1).drop(columns=column)).refusal)


def test_targets_that_come_alone_lose_nothing():
    assert change(table(seed=1)[["id", "bought"]], labels_only=True) == SchemaChange()


def test_new_levels_are_named_but_counted_where_the_column_is_sensitive():
    batch = table(seed=1)
    batch.loc[:1, "job"], batch.loc[:1, "faith"] = ["astronaut", "baker"], ["druid", "druid"]
    assert change(batch).sentences == [
        "'faith' has 1 level that the table has not.",
        "'job' has 2 levels ('astronaut', 'baker') that the table has not.",
    ]


def test_many_new_levels_are_counted():
    batch = table(seed=1).assign(job=[f"job-{i:03d}" for i in range(200)])
    assert "200 levels ('job-000', 'job-001'" in change(batch).sentences[0]
    assert "and 195 more" in change(batch).sentences[0]


def test_text_among_numbers_refuses_the_batch_and_is_only_counted():
    batch = table(seed=1).astype({"height": object})
    batch.loc[3, "height"] = "tall as Anna"
    refusal = str(change(batch).refusal)
    assert "'height' holds 1 cell that is no number" in refusal and "Anna" not in refusal


def test_another_unit_is_a_warning_with_the_factor():
    found = change(table(seed=1).assign(height=lambda rows: 100 * rows["height"]))
    assert found.refusal is None and found.unit_factors == {"height": 100.0}
    assert found.sentences == [
        "The numbers of 'height' are 100 times as large as in the table: check their unit."
    ]


def test_too_few_rows_say_nothing_of_the_unit():
    assert change(table(20, seed=1).assign(height=lambda rows: 100 * rows["height"])).unit_factors == {}


@pytest.mark.parametrize(
    ("values", "like", "expected"),
    [
        ([1, 2], ["007", "x"], ["1", "2"]),
        ([1.0, None], ["007", "x"], ["1", None]),
        (["1", " 2.5"], [0.5], [1.0, 2.5]),
        ([True, False], [0, 1], [1.0, 0.0]),
        ([1, 0], [True, False], [True, False]),
        (["true", None], [True, False, None], [True, None]),
        ([None, None], [1, 2], [np.nan, np.nan]),
        (["2026-01-31"], pd.to_datetime(["2020-01-01"]), [pd.Timestamp("2026-01-31")]),
        (pd.to_datetime(["2026-01-31"]), ["2020-01-01", "2020-01-02"], ["2026-01-31"]),
        (["anything"], [None, None], ["anything"]),
    ],
)
def test_cells_take_the_type_of_the_table(values, like, expected):
    converted, n_wrong, _ = convert(pd.Series(values), pd.Series(like))
    pd.testing.assert_series_equal(converted, pd.Series(expected), check_dtype=False, check_names=False)
    assert n_wrong == 0


@pytest.mark.parametrize(
    ("values", "like", "expected"),
    [
        (["x"], [1.5], "number"),
        (["soon"], pd.to_datetime(["2020-01-01"]), "date"),
        ([5], pd.to_datetime(["2020-01-01"]), "date"),
        (pd.to_datetime(["2020-01-01"]), [1, 2], "number"),
        (["perhaps"], [True, False], "truth value"),
    ],
)
def test_a_cell_of_another_type_is_counted(values, like, expected):
    assert convert(pd.Series(values), pd.Series(like))[1:] == (1, expected)

"""Batches merged into a table: no row lost, none twice, and each stays in or out of the holdout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.merge_batch import Merged, merge_batch, prepare_batch, stack
from realmix.tasks.core.splits.holdout import holdout_side, register_holdout
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema

COLUMNS = ["id", "age", "job", "bought"]


def card(arrival: str, **more: Any) -> DataCard:
    return parse_card({"target": "bought", "key": "id", "operation": {"arrival": arrival}, **more})


def table(n_rows: int = 100, *, first: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(first)
    return pd.DataFrame(
        {
            "id": np.arange(first, first + n_rows),
            "age": rng.integers(18, 90, n_rows),
            "job": rng.choice(["cook", "nurse"], n_rows),
            "bought": rng.choice(["no", "yes"], n_rows),
        }
    )


def schema_of(rows: pd.DataFrame, declared: DataCard) -> Schema:
    return infer_schema(rows, "bought", roles=declared.roles)


def take_in(
    current: pd.DataFrame, batch: pd.DataFrame, declared: DataCard, waiting: pd.DataFrame | None = None
) -> Merged:
    waiting = current[:0] if waiting is None else waiting
    prepared = prepare_batch(current, waiting, batch, schema_of(current, declared), declared)
    return merge_batch(current, waiting, prepared.rows, card=declared)


def rows(*cells: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(cells), columns=COLUMNS)


def test_appended_rows_come_last_in_the_order_and_types_of_the_table():
    batch = table(3, first=100)[["bought", "job", "age", "id"]].astype({"age": float})
    merged = take_in(table(), batch, card("append"))
    pd.testing.assert_frame_equal(merged.rows, pd.concat([table(), table(3, first=100)], ignore_index=True))
    assert (merged.n_new, merged.n_replaced, len(merged.unlabelled)) == (3, 0, 0)


def test_an_appended_row_whose_key_is_there_is_set_aside():
    batch = pd.concat([table(1, first=5), table(2, first=100)])
    prepared = prepare_batch(table(), table()[:0], batch, schema_of(table(), card("append")), card("append"))
    assert prepared.set_aside["id"].tolist() == [5] and "arrival: append" in prepared.reasons[0]
    assert prepared.rows["id"].tolist() == [100, 101]


def test_a_batch_without_any_usable_row_is_one_sentence():
    with pytest.raises(
        BadInput, match=r"None of the batch's 3 rows .*the table already has a row with this key.*3 rows"
    ):
        take_in(table(), table(3, first=7), card("append"))


def test_a_correction_takes_the_place_of_the_row_it_corrects():
    merged = take_in(table(), rows((5, 33, "nurse", "yes"), (100, 44, "cook", "no")), card("upsert"))
    assert merged.rows.iloc[5].tolist() == [5, 33, "nurse", "yes"]
    assert merged.rows["id"].tolist() == [*range(100), 100]
    assert (merged.n_new, merged.n_replaced) == (1, 1)


def test_rows_that_come_again_as_they_are_replace_nothing():
    merged = take_in(table(), table(50, first=0).assign(**table()[:50]), card("upsert"))
    pd.testing.assert_frame_equal(merged.rows, table())
    assert (merged.n_new, merged.n_replaced) == (0, 0)


def test_of_corrections_of_one_key_the_last_counts():
    merged = take_in(table(), rows((5, 33, "nurse", "yes"), (5, 34, "cook", "no")), card("upsert"))
    assert merged.rows.iloc[5].tolist() == [5, 34, "cook", "no"] and len(merged.rows) == 100


def test_a_correction_without_a_target_keeps_the_known_one():
    merged = take_in(table(), rows((5, 33, "nurse", None)), card("upsert"))
    assert merged.rows.iloc[5].tolist() == [5, 33, "nurse", table()["bought"][5]]
    assert len(merged.unlabelled) == 0


def test_a_key_that_the_table_held_twice_is_held_once_after_its_correction():
    current = pd.concat([table(), table()[5:6]], ignore_index=True)
    merged = take_in(current, rows((5, 33, "nurse", "yes")), card("upsert"))
    assert merged.rows["id"].tolist() == list(range(100))


@pytest.mark.parametrize("arrival", ["append", "upsert"])
def test_rows_without_a_target_wait_and_join_when_it_comes(arrival):
    waiting = take_in(table(), rows((100, 44, "cook", None), (101, 45, "cook", "no")), card(arrival))
    assert waiting.rows["id"].tolist() == [*range(100), 101] and waiting.n_unlabelled == 1
    assert waiting.unlabelled.iloc[0].tolist() == [100, 44, "cook", None]
    labels = pd.DataFrame({"bought": ["yes"], "id": [100]})
    joined = take_in(waiting.rows, labels, card(arrival), waiting.unlabelled)
    assert joined.rows.iloc[-1].tolist() == [100, 44, "cook", "yes"]
    assert (joined.n_new, joined.n_joined, len(joined.unlabelled)) == (1, 1, 0)


def test_a_whole_row_with_the_target_takes_the_place_of_the_one_that_waits():
    waiting = take_in(table(), rows((100, 44, "cook", None)), card("append")).unlabelled
    joined = take_in(table(), rows((100, 45, "nurse", "no")), card("append"), waiting)
    assert joined.rows.iloc[-1].tolist() == [100, 45, "nurse", "no"] and joined.n_joined == 1


def test_a_row_that_waits_and_comes_again_without_a_target_waits_once():
    waiting = take_in(table(), rows((100, 44, "cook", None)), card("upsert")).unlabelled
    merged = take_in(table(), rows((100, 45, "cook", None)), card("upsert"), waiting)
    assert merged.unlabelled["age"].tolist() == [45]


def test_a_target_alone_corrects_a_label_where_batches_correct():
    other = {"no": "yes", "yes": "no"}[table()["bought"][5]]
    merged = take_in(table(), pd.DataFrame({"id": [5], "bought": [other]}), card("upsert"))
    assert merged.rows.iloc[5].tolist() == [*table().iloc[5, :3], other] and merged.n_replaced == 1


def test_a_target_alone_of_an_unknown_key_is_set_aside():
    declared, labels = card("upsert"), pd.DataFrame({"id": [500, 5], "bought": ["yes", "no"]})
    prepared = prepare_batch(table(), table()[:0], labels, schema_of(table(), declared), declared)
    assert prepared.set_aside["id"].tolist() == [500] and prepared.rows["id"].tolist() == [5]
    assert prepared.reasons == ["a target without features, for a key that no row has"]


def test_without_a_key_rows_without_a_target_just_wait():
    declared = parse_card({"target": "bought"})
    merged = take_in(table(), rows((1, 2, "cook", None), (1, 2, "cook", "no")), declared)
    again = take_in(merged.rows, rows((1, 2, "cook", "yes")), declared, merged.unlabelled)
    assert len(again.rows) == 102 and len(again.unlabelled) == 1 and again.n_joined == 0


def test_a_replacing_batch_takes_the_place_of_everything_and_brings_its_columns():
    batch = table(100).assign(town="Oulu")
    batch.loc[0, "age"] = 17
    batch.loc[1, "bought"] = None
    waiting = rows((700, 44, "cook", None))
    merged = take_in(table(), batch, card("replace"), waiting)
    assert merged.rows["id"].tolist() == [0, *range(2, 100)] and "town" in merged.rows.columns
    assert merged.unlabelled["id"].tolist() == [1]
    assert (merged.n_new, merged.n_replaced) == (1, 2)


def test_a_new_column_is_left_out_and_a_lost_one_is_empty():
    batch = table(2, first=100).drop(columns="job").assign(town="Oulu")
    merged = take_in(table(), batch, card("append"))
    assert merged.rows.columns.tolist() == COLUMNS and merged.rows["job"].tolist()[-2:] == [None, None]


def test_every_row_keeps_its_side_through_corrections_and_new_rows():
    declared = card("upsert")
    rule = register_holdout(table(), schema_of(table(), declared))
    corrected = table(150, first=50).assign(age=99, job="nurse")
    corrected.loc[0, "age"] = None
    merged = take_in(table(), corrected, declared)
    before = dict(zip(table()["id"], holdout_side(table(), schema_of(table(), declared), rule), strict=True))
    after = dict(
        zip(merged.rows["id"], holdout_side(merged.rows, schema_of(merged.rows, declared), rule), strict=True)
    )
    assert {key: after[key] for key in before} == before and len(after) == 200
    assert 0 < sum(side for key, side in after.items() if key not in before) < 100


Batches = list[list[tuple[int, int, int | None]]]
CELLS = st.tuples(st.integers(95, 110), st.integers(18, 20), st.sampled_from([0, 1, None]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=4))
def test_corrections_end_where_a_simple_dictionary_ends(arrived: Batches):
    declared = parse_card({"target": "y", "key": "id", "operation": {"arrival": "upsert"}})
    current = table()[["id", "age"]].assign(y=[0, 1] * 50)
    labelled = {row.id: (row.age, row.y) for row in current.itertuples()}
    waiting, merged = {}, merge_batch(current, current[:0], current[:0], card=declared)
    for cells in arrived:
        batch = pd.DataFrame(cells, columns=["id", "age", "y"])
        schema = infer_schema(merged.rows, "y", roles=declared.roles)
        prepared = prepare_batch(merged.rows, merged.unlabelled, batch, schema, declared)
        merged = merge_batch(merged.rows, merged.unlabelled, prepared.rows, card=declared)
        for key, age, y in {row[0]: row for row in cells}.values():
            y = labelled[key][1] if y is None and key in labelled else y
            (waiting if y is None else labelled)[key] = (age, y)
            if y is not None:
                waiting.pop(key, None)
    assert {row.id: (row.age, row.y) for row in merged.rows.itertuples()} == labelled
    assert merged.rows["id"].is_unique and merged.rows["id"].tolist()[:100] == list(range(100))
    assert dict(zip(merged.unlabelled["id"], merged.unlabelled["age"], strict=True)) == {
        key: age for key, (age, _) in waiting.items()
    }
    assert merged.rows.dtypes.tolist() == current.dtypes.tolist()


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (([1, 2], [3.0]), "i"),
        (([1, 2], [3.5]), "f"),
        (([1, 2], [None]), "f"),
        (([], [1]), "i"),
        ((["a"], [None, None]), "O"),
        (([True], [False]), "b"),
        (([None], ["a"]), "O"),
        ((pd.to_datetime(["2026-01-01"]), [None]), "M"),
    ],
)
def test_stacked_columns_keep_the_type_that_holds_all(columns, kind):
    stacked = stack([pd.DataFrame({"x": values}) for values in columns])["x"]
    assert stacked.dtype.kind == kind and len(stacked) == sum(len(values) for values in columns)

"""What lands is seen once and taken in whole or not at all, whoever looks and whenever it is killed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.splits.holdout import holdout_side
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.lifecycle import admit, land
from realmix.tasks.lifecycle.admit import admit_waiting, quarantine_folder
from realmix.tasks.lifecycle.land import batch_folder, look
from realmix.tasks.runtime import snapshots
from realmix.tasks.runtime.database import register_table, registered_table
from realmix.tasks.runtime.holdout_rules import frozen_rule
from realmix.tasks.runtime.snapshots import open_snapshot
from realmix.tasks.runtime.study_folder import Table, home
from tests.tasks.lifecycle.shop import SECRET, drop, register, rows, run, seen

pytestmark = pytest.mark.usefixtures("place")

# A process that ends, as by kill -9, when it is about to change the table.
KILLED = """
import os, signal, sys
from realmix.tasks.lifecycle import admit, land
admit.admit_batch = lambda *given, **named: os.kill(os.getpid(), signal.SIGKILL)
admit.admit_waiting(sys.argv[1])
"""


def today() -> pd.DataFrame:
    return open_snapshot(home() / "snapshots" / f"{registered_table('shop').snapshot}.parquet").read()


def waiting_rows() -> pd.DataFrame:
    return open_snapshot(home() / "snapshots" / f"{registered_table('shop').unlabelled}.parquet").read()


def test_a_file_that_landed_is_seen_and_becomes_part_of_the_table(place):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    assert [(batch.name, batch.n_rows) for batch in look("shop")] == [("june.csv", 20)]
    (outcome,) = admit_waiting("shop")
    assert (outcome["status"], outcome["n_new"], outcome["n_quarantined"]) == ("admitted", 20, 0)
    pd.testing.assert_frame_equal(today(), pd.concat([rows(), rows(20, first=100)], ignore_index=True))
    assert look("shop") == [] and admit_waiting("shop") == []


def test_batches_of_a_burst_are_taken_in_together_in_their_order(place):
    register(place, "upsert")
    for number in range(4):
        drop(place, f"{number}.csv", rows(10, first=95 + number).assign(age=number))
    look("shop")
    outcomes = admit_waiting("shop")
    assert [outcome["n_new"] for outcome in outcomes] == [5, 1, 1, 1]
    assert today()["age"].tolist()[95:] == [0, 1, 2, *[3] * 10]
    assert [status for _, status in seen()] == ["admitted"] * 4


class Killed(BaseException):
    """Nothing catches it, as nothing runs after kill -9."""


@pytest.mark.parametrize(
    ("function", "call", "when"),
    [
        ("take_snapshot", 1, "after"),
        ("note_read", 1, "before"),
        ("note_read", 1, "after"),
        ("note_read", 2, "before"),
        ("note_read", 2, "after"),
        ("validate_raw", 1, "after"),
        ("take_snapshot", 2, "after"),
        ("admit_batch", 1, "after"),
        ("refuse_batch", 1, "before"),
        ("refuse_batch", 1, "after"),
    ],
)
def test_an_end_between_any_two_steps_changes_nothing_of_what_a_second_run_reaches(
    place, monkeypatch, function, call, when
):
    register(place)
    (place / "bad.csv").write_bytes(b"")
    drop(place, "june.csv", rows(20, first=100))
    modules, calls = [module for module in (land, admit) if hasattr(module, function)], []
    real = getattr(modules[0], function)

    def end(*given: Any, **named: Any) -> Any:
        calls.append(given)
        result = real(*given, **named) if when == "after" or len(calls) < call else None
        if len(calls) == call:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        for module in modules:
            patch.setattr(module, function, end)
        with pytest.raises(Killed):
            look("shop"), admit_waiting("shop")
    look("shop"), admit_waiting("shop")
    assert sorted(seen()) == [("bad.csv", "refused"), ("june.csv", "admitted")]
    pd.testing.assert_frame_equal(today(), pd.concat([rows(), rows(20, first=100)], ignore_index=True))


def test_after_kill_9_the_table_is_as_it_was_and_the_batch_waits(place):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    look("shop")
    before = registered_table("shop")
    assert run(KILLED, "shop").wait(timeout=120) == -9
    assert registered_table("shop") == before and seen() == [("june.csv", "waiting")]
    assert [outcome["n_new"] for outcome in admit_waiting("shop")] == [20]


def test_bad_rows_go_to_quarantine_with_reasons_and_the_others_are_taken_in(place):
    register(place, rules=[{"kind": "range", "column": "age", "maximum": 100}])
    batch = rows(50, first=100)
    batch.loc[3, "age"] = 200
    batch.loc[4, "id"] = 7
    drop(place, "june.csv", batch)
    (seen_batch,) = look("shop")
    (outcome,) = admit_waiting("shop")
    assert (outcome["n_new"], outcome["n_quarantined"]) == (48, 2)
    bad = pd.read_parquet(quarantine_folder(seen_batch) / "quarantine.parquet")
    assert bad["_realmix_reason"].tolist() == ["expect_declared_range_to_hold: age"]
    known = pd.read_parquet(quarantine_folder(seen_batch) / "keys" / "quarantine.parquet")
    assert known["id"].tolist() == [7] and "arrival: append" in known["_realmix_reason"].item()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda batch: batch.assign(age=999), "column 'age' is outside its declared range in 20 rows"),
        (lambda batch: batch.assign(age=batch["faith"]), "'age' holds 20 cells that are no number"),
        (lambda batch: batch.drop(columns="job"), "no column 'job'"),
        (lambda batch: batch.assign(bought="perhaps"), "column 'bought' holds an unknown level in 20 rows"),
        (lambda batch: rows(20), "None of the batch's 20 rows can be used"),
    ],
)
def test_a_bad_batch_is_refused_whole_with_the_reason_and_without_cells(place, spoil, said):
    register(place, rules=[{"kind": "range", "column": "age", "maximum": 100}])
    drop(place, "bad.csv", spoil(rows(20, first=100)))
    drop(place, "good.csv", rows(20, first=200))
    look("shop")
    outcomes = {outcome["name"]: outcome for outcome in admit_waiting("shop")}
    assert outcomes["good.csv"]["status"] == "admitted" and len(today()) == 120
    assert outcomes["bad.csv"]["status"] == "refused"
    assert said in outcomes["bad.csv"]["reason"]
    assert SECRET not in json.dumps(outcomes)
    assert look("shop") == []


@pytest.mark.parametrize("content", [b"", b"\0\1\2\3" * 100, b"id,bought\n1,2,3\n"])
def test_what_is_no_table_is_refused_once_and_stops_nothing(place, content):
    register(place)
    (place / "bad.csv").write_bytes(content)
    drop(place, "good.csv", rows(20, first=200))
    look("shop")
    statuses = {outcome["name"]: outcome["status"] for outcome in admit_waiting("shop")}
    assert statuses == {"bad.csv": "refused", "good.csv": "admitted"}
    assert look("shop") == []
    # The reason names the file: under another name it is refused by that.
    (place / "bad.csv").rename(place / "again.csv")
    assert [batch.name for batch in look("shop")] == ["again.csv"]
    assert admit_waiting("shop")[0]["status"] == "refused"


def test_a_batch_with_which_the_table_could_not_be_studied_is_refused(place):
    register(place, "replace")
    drop(place, "few.csv", rows(30))
    look("shop")
    (outcome,) = admit_waiting("shop")
    assert "30 rows; expected at least 60" in outcome["reason"] and len(today()) == 100


def test_rows_without_a_target_wait_apart_and_join_by_key(place):
    register(place)
    drop(place, "june.csv", rows(20, first=100).assign(bought=None))
    look("shop")
    (waiting,) = admit_waiting("shop")
    assert (waiting["status"], waiting["n_unlabelled"], waiting["n_new"]) == ("admitted", 20, 0)
    assert len(today()) == 100 and len(waiting_rows()) == 20
    drop(place, "labels.csv", rows(20, first=100)[["id", "bought"]][:15])
    look("shop")
    (joined,) = admit_waiting("shop")
    assert (joined["n_new"], joined["n_joined"]) == (15, 15)
    pd.testing.assert_frame_equal(today(), pd.concat([rows(), rows(20, first=100)[:15]], ignore_index=True))
    assert waiting_rows()["id"].tolist() == [115, 116, 117, 118, 119]


def test_a_batch_that_would_replace_much_of_the_table_is_held_until_the_card_allows_it(place):
    register(place, "upsert")
    drop(place, "other_people.csv", rows(30, first=10))
    look("shop")
    (outcome,) = admit_waiting("shop")
    assert outcome["status"] == "refused" and len(today()) == 100
    assert "would replace 30 of the table's 100 rows (30%); expected at most 20%" in outcome["reason"]
    pd.testing.assert_frame_equal(today(), rows())
    register_table("shop", registered_table("shop").card, registered_table("shop").snapshot)
    assert admit_waiting("shop")[0]["status"] == "refused"
    register(place, "upsert", max_replaced=0.3)
    (outcome,) = admit_waiting("shop")
    assert (outcome["status"], outcome["n_replaced"]) == ("admitted", 30)


def test_corrected_rows_keep_their_side_of_the_frozen_holdout(place):
    card = register(place, "upsert", max_replaced=1)

    def sides() -> dict[int, bool]:
        table = Table("shop", None, {}, card, check_study_input(today(), card))
        held = holdout_side(today(), table.schema, frozen_rule(table, today()))
        return dict(zip(today()["id"], held, strict=True))

    before = sides()
    drop(place, "june.csv", rows(100, first=50).assign(job="nurse"))
    look("shop")
    admit_waiting("shop")
    after = sides()
    assert len(after) == 150 and {key: after[key] for key in before} == before


def test_changes_of_the_columns_are_named_in_the_outcome_without_sensitive_values(place):
    register(place)
    batch = rows(40, first=100).assign(town="Oulu", age=lambda batch: 1000 * batch["age"])
    batch.loc[0, ["job", "faith"]] = ["baker", "druid"]
    drop(place, "june.csv", batch)
    look("shop")
    (outcome,) = admit_waiting("shop")
    assert outcome["notes"][:4] == [
        "The column 'town' is new.",
        "'faith' has 1 level that the table has not.",
        "'job' has 1 level ('baker') that the table has not.",
        "The numbers of 'age' are 1000 times as large as in the table: check their unit.",
    ]
    assert "druid" not in json.dumps(outcome) and today().columns.tolist() == rows().columns.tolist()


def test_a_full_disk_leaves_the_batch_waiting_and_the_table_as_it_was(place, monkeypatch):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    look("shop")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(snapshots.Path, "replace", refuse)
        with pytest.raises(BadInput, match="no space is left"):
            admit_waiting("shop")
    assert seen() == [("june.csv", "waiting")] and len(today()) == 100
    assert [outcome["status"] for outcome in admit_waiting("shop")] == ["admitted"]


def test_a_batch_whose_rows_are_gone_is_refused_and_stops_nothing(place):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    (batch,) = look("shop")
    (batch_folder("shop") / f"{batch.digest}.parquet").unlink()
    drop(place, "july.csv", rows(20, first=200))
    look("shop")
    assert [outcome["status"] for outcome in admit_waiting("shop")] == ["refused", "admitted"]


def test_a_batch_that_another_home_found_waits_where_its_rows_are_not(place, tmp_path, monkeypatch):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    look("shop")
    other = tmp_path / "other"
    monkeypatch.setenv("REALMIX_STATE_URL", f"sqlite:///{home() / 'state.sqlite'}")
    shutil.copytree(home() / "snapshots", other / "snapshots")
    monkeypatch.setenv("REALMIX_HOME", str(other))
    with pytest.raises(BadInput, match=r"'june\.csv' were found by another home"):
        admit_waiting("shop")
    assert seen() == [("june.csv", "waiting")]
    shutil.copytree(place.parent / "home" / "tables", other / "tables")
    assert [outcome["n_new"] for outcome in admit_waiting("shop")] == [20]


def test_of_a_database_only_rows_above_those_of_the_table_are_new(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    monkeypatch.setenv("REALMIX_SQL_URL", url)
    engine = create_engine(url)
    rows(130).to_sql("visits", engine, index=False)
    register(tmp_path, operation={"landing": "sql:visits", "cursor": "id", "lag_seconds": 0})
    assert [(batch.name, batch.n_rows) for batch in look("shop")] == [("sql:visits, 30 new", 30)]
    rows(20, first=130).to_sql("visits", engine, index=False, if_exists="append")
    engine.dispose()
    assert len(look("shop")) == 2
    assert [outcome["n_new"] for outcome in admit_waiting("shop")] == [30, 20]
    assert today()["id"].tolist() == list(range(150)) and look("shop") == []


def test_objects_of_a_bucket_become_part_of_the_table(bucket):
    register(Path("none"), operation={"landing": "s3://tables/shop"})
    bucket.put_object(
        Bucket="tables", Key="shop/june.csv", Body=rows(20, first=100).to_csv(index=False).encode()
    )
    assert [batch.name for batch in look("shop")] == ["tables/shop/june.csv"]
    assert [outcome["n_new"] for outcome in admit_waiting("shop")] == [20] and look("shop") == []

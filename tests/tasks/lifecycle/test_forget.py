"""After `forget` no file of the home holds a row of the person, and all that was made from them is named."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from realmix.tasks.core.errors import BadInput, RegistryRefused
from realmix.tasks.core.lifecycle.entries import FORGOTTEN, Forgotten
from realmix.tasks.core.lifecycle.retrain_level import choose_level
from realmix.tasks.lifecycle import forget as module
from realmix.tasks.lifecycle.admit import admit_waiting
from realmix.tasks.lifecycle.clean import clean
from realmix.tasks.lifecycle.drift import changes_since_study, next_folder
from realmix.tasks.lifecycle.forget import forget
from realmix.tasks.lifecycle.land import look, waiting_key
from realmix.tasks.runtime.cache import cache_at, make_cache
from realmix.tasks.runtime.database import batches, decisions, record_decision, registered_table
from realmix.tasks.runtime.study_folder import home, stored_snapshot
from realmix.tasks.study.track import track
from tests.tasks.lifecycle import shop
from tests.tasks.versions import WARNINGS, raw_rows, register, registry, study

pytestmark = WARNINGS
# A marker that only this person's rows hold.
PERSON, NAME = 17, "Wilhelmina"


@pytest.fixture
def place(tmp_path, monkeypatch) -> Iterator[Path]:
    from realmix.tasks.landing import folder as landing

    monkeypatch.setattr(landing, "SETTLE_SECONDS", 0.02)
    (tmp_path / "incoming").mkdir()
    with registry(tmp_path / "home"):
        yield tmp_path / "incoming"


def named(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(job=rows["job"].where(rows["id"] != PERSON, NAME))


@pytest.fixture
def table(place, monkeypatch):
    """A registered table whose row of one person is in a snapshot, a batch, the quarantine and the cache."""
    rows = shop.rows
    with monkeypatch.context() as patch:
        patch.setattr(shop, "rows", lambda *a, **k: named(rows(*a, **k)))
        shop.register(place, "upsert")
    # Corrects the person, and has a row that no expectation lets through: it has no key.
    batch = pd.concat([named(rows(20, first=100)), named(rows(100)).iloc[[PERSON]].assign(age=41)])
    bad = named(rows(100)).iloc[[PERSON]].assign(age=-5)
    shop.drop(place, "batch.csv", batch)
    look("shop")
    (arrival,) = admit_waiting("shop")
    assert arrival["status"] == "admitted", arrival
    quarantine = home() / "tables" / "shop" / "quarantine" / "x"
    quarantine.mkdir(parents=True)
    pd.concat([bad, named(rows(3))]).to_parquet(quarantine / "quarantine.parquet")
    bad.to_parquet(home() / "rows.parquet")
    cache_at(make_cache(home())).put("key", {}, {"rows": home() / "rows.parquet"})
    (home() / "rows.parquet").unlink()
    return registered_table("shop")


def holders(text: str) -> list[str]:
    """The files of the home that hold a text: in their bytes, or in a cell of a Parquet file."""
    found = []
    for path in sorted(home().rglob("*")):
        if not path.is_file():
            continue
        cells = pq.read_table(path).to_pandas().astype(str) if path.suffix == ".parquet" else pd.DataFrame()
        if text.encode() in path.read_bytes() or cells.eq(text).any(axis=None):
            found.append(path.relative_to(home()).as_posix())
    return found


def cached() -> int:
    with sqlite3.connect(make_cache(home()) / "results.sqlite") as database:
        return database.execute("SELECT count(*) FROM entries").fetchone()[0]


def test_the_fixture_really_holds_the_person_everywhere(table):
    kinds = {path.split("/")[0] for path in holders(NAME)}
    assert kinds == {"snapshots", "tables"} and cached() == 1
    assert len([path for path in holders(NAME) if "/batches/" in path or "/quarantine/" in path]) == 2


def test_no_file_of_the_home_holds_the_person_afterwards(table):
    lines = forget("shop", [str(PERSON)])
    assert holders(NAME) == [] and cached() == 0
    assert lines[0] == "Removed 1 rows of 1 person (`id`) from 'shop'."
    now = registered_table("shop")
    rows = stored_snapshot(now.snapshot).read()
    assert len(rows) == 119 and PERSON not in set(rows["id"])


def test_all_other_rows_stay_as_they_were(table):
    before = stored_snapshot(table.snapshot).read()
    forget("shop", [str(PERSON)])
    after = stored_snapshot(registered_table("shop").snapshot).read()
    pd.testing.assert_frame_equal(after, before[before["id"] != PERSON].reset_index(drop=True))


def test_the_proof_is_an_entry_with_digests_and_without_the_key(table):
    forget("shop", [str(PERSON)])
    (entry,) = decisions("shop", FORGOTTEN)
    proof = Forgotten.read(entry.document)
    assert proof.snapshots.keys() >= {table.snapshot}
    assert proof.snapshots[table.snapshot] == registered_table("shop").snapshot == proof.snapshot
    assert len(proof.files) == 2 and all(f.before != f.after for f in proof.files.values())
    assert proof.n_cached == 1 and proof.column == "id" and proof.by
    document = entry.document | {"snapshots": {}, "files": {}, "snapshot": ""}
    assert f"'{PERSON}'" not in str(document) and NAME not in str(document)


def test_an_old_snapshot_opens_as_what_is_left_of_it_and_cleaning_keeps_what_is_needed(table):
    record_decision("shop", "retraining", {"level": "study", "study": "s", "snapshot": table.snapshot})
    forget("shop", [str(PERSON)])
    assert not (home() / "snapshots" / f"{table.snapshot}.parquet").exists()
    assert len(stored_snapshot(table.snapshot).read()) == 119
    import os

    for path in (home() / "snapshots").glob("*"):
        os.utime(path, (0, 0))
    clean()
    assert len(stored_snapshot(table.snapshot).read()) == 119


def test_the_batch_is_known_and_does_not_arrive_again(table, place):
    forget("shop", [str(PERSON)])
    assert look("shop") == [] and [batch.status for batch in batches("shop")] == ["admitted"]


def test_the_file_at_the_landing_place_is_named_and_not_changed(table, place):
    before = (place / "batch.csv").read_bytes()
    lines = "\n".join(forget("shop", [str(PERSON)]))
    assert f"{place / 'batch.csv'} holds the rows" in lines
    assert (place / "batch.csv").read_bytes() == before


def test_a_retraining_is_due_and_is_more_than_nothing(table):
    record_decision(
        "shop",
        "retraining",
        {"level": "study", "study": "s", "snapshot": table.snapshot},
        decided=table.snapshot,
    )
    assert waiting_key("shop") is None
    forget("shop", [str(PERSON)])
    first = waiting_key("shop")
    assert first is not None
    now = registered_table("shop")
    import datetime

    moment = datetime.datetime.now(datetime.UTC)
    changes, _ = changes_since_study(now, now=moment, folder=next_folder(now), seed=0)
    choice = choose_level(changes, now.card.operation, is_changed=now.decided != now.snapshot)
    assert (choice.level, choice.reason) == (
        "refit",
        "rows were removed since the last study, and none came or changed",
    )
    forget("shop", ["18"])
    assert waiting_key("shop") != first


def test_a_key_that_nobody_has_changes_nothing(table):
    with pytest.raises(BadInput, match="holds a row with this `id`") as caught:
        forget("shop", ["4711"])
    assert "4711" not in str(caught.value)
    assert registered_table("shop").snapshot == table.snapshot and decisions("shop", FORGOTTEN) == []


def test_a_second_time_there_is_nothing_left_to_forget(table):
    forget("shop", [str(PERSON)])
    with pytest.raises(BadInput, match="Nothing that is kept"):
        forget("shop", [str(PERSON)])


def test_while_a_study_runs_nothing_is_removed(table):
    with cache_at(make_cache(home())).pinned(), pytest.raises(BadInput, match="A study runs in this home"):
        forget("shop", [str(PERSON)])
    assert holders(NAME) and registered_table("shop").snapshot == table.snapshot


def test_a_removal_that_is_killed_before_its_entry_is_done_by_the_next_call(table, monkeypatch):
    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_rows", die)
        with pytest.raises(KeyboardInterrupt):
            forget("shop", [str(PERSON)])
    forget("shop", [str(PERSON)])
    assert holders(NAME) == [] and len(decisions("shop", FORGOTTEN)) == 1


def test_a_removal_that_is_killed_after_its_entry_is_done_by_the_next_call(table, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "redirect_snapshot", die)
        with pytest.raises(KeyboardInterrupt):
            forget("shop", [str(PERSON)])
    forget("shop", [str(PERSON)])
    assert holders(NAME) == []


def test_the_last_row_is_not_forgotten_but_the_table_unregistered(table):
    with pytest.raises(BadInput, match="realmix unregister shop"):
        forget("shop", [str(key) for key in range(200)])
    assert registered_table("shop").snapshot == table.snapshot


def test_rows_of_another_table_stay_and_are_named(table, place):
    from realmix.tasks.runtime.database import register_table

    register_table("other", table.card, table.snapshot)
    lines = "\n".join(forget("shop", ["99"]))
    assert not re.search(r"\b99\b", lines), "a digest may hold these two digits, a sentence the key"
    assert "The table 'other' has rows with this `id`, too" in lines
    assert 99 in set(stored_snapshot(registered_table("other").snapshot).read()["id"])
    assert 99 not in set(stored_snapshot(registered_table("shop").snapshot).read()["id"])


def test_versions_made_from_the_rows_are_marked_as_stale_and_others_are_not(place):
    table = register("shop")
    folder, document = study(table, raw_rows(400), "linear")
    track.fn(folder, document)
    later = raw_rows(900)
    folder, document = study(table, later[later["id"] >= 300].reset_index(drop=True), "linear")
    track.fn(folder, document)
    lines = forget("shop", ["3"])
    client = MlflowClient()
    assert client.get_model_version("shop", "1").tags["stale"].startswith("rows that it learned from")
    assert "stale" not in client.get_model_version("shop", "2").tags
    assert "Marked as stale in MLflow: version 1." in lines


def test_where_mlflow_does_not_answer_nothing_is_removed(table, monkeypatch):
    monkeypatch.setattr(MlflowClient, "search_model_versions", lambda *_: 1 / 0)
    with pytest.raises(RegistryRefused, match="Nothing was removed"):
        forget("shop", [str(PERSON)])
    assert holders(NAME) and registered_table("shop").snapshot == table.snapshot

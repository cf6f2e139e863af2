"""A home stays small, and what is needed stays in it."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.champion_record import CLEANED, PROMOTION, SETTLED
from realmix.tasks.lifecycle import clean as module
from realmix.tasks.lifecycle.clean import KEPT, Removal, _n_bytes_of, _remove_version, clean
from realmix.tasks.lifecycle.drift import next_folder
from realmix.tasks.lifecycle.promote import review_challenger, rollback
from realmix.tasks.runtime.cache import cache_at, make_cache
from realmix.tasks.runtime.database import decisions, note_untracked, record_decision, registered_table
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.study.track import track
from tests.tasks.lifecycle import shop
from tests.tasks.versions import N_FIRST, WARNINGS, raw_rows, register, registry, study

pytestmark = WARNINGS
DAY = 24 * 3600.0
MB = 1_000_000


@pytest.fixture
def place(tmp_path) -> Iterator[Path]:
    with registry(tmp_path / "home") as found:
        yield found


def age(path: Path, days: float) -> None:
    """Make a file or folder and all in it look as if nobody touched it for some days."""
    moment = time.time() - days * DAY
    for each in [*path.rglob("*"), path]:
        os.utime(each, (moment, moment))


def write(path: Path, n_bytes: int, moment: float) -> None:
    """A file of a size that takes no space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(n_bytes)
    os.utime(path, (moment, moment))


def tracked(name: str) -> Path:
    """A finished study that no decision names."""
    folder = home() / "studies" / name
    (folder / "work").mkdir(parents=True)
    (folder / "work" / "rows.parquet").write_bytes(b"1")
    (folder / "tracking.json").write_text('{"run_id": "a"}')
    return folder


def kinds(found) -> dict[str, int]:
    return {each.kind: each.n_removed for each in found}


def test_intermediate_files_go_when_a_study_is_finished_and_tracked(place):
    done, running, unlogged = tracked("done"), home() / "studies" / "running", tracked("unlogged")
    (running / "work").mkdir(parents=True)
    note_untracked(unlogged, "shop")
    assert kinds(clean()) == {"intermediate files of finished studies": 1}
    assert done.exists() and list((done / "work").iterdir()) == []
    assert (running / "work").exists() and (unlogged / "work").exists()


def test_a_folder_that_a_running_study_touches_stays_however_old_it_is(place):
    running = home() / "studies" / "running"
    (running / "work").mkdir(parents=True)
    (running / "work" / "fold-0").write_bytes(b"1")
    age(running, 40)
    (running / "work" / "fold-1").touch()
    assert clean() == []
    age(running, 40)
    assert kinds(clean()) == {"intermediate files of interrupted studies": 1}
    assert running.exists() and list((running / "work").iterdir()) == []


def test_of_a_study_that_no_retraining_names_only_the_intermediate_files_go(place, tmp_path):
    """Of a table that is not registered, or no longer: it may be the only one with this verdict."""
    shop.register(tmp_path)
    superseded, other = tracked("shop-0001-abc"), tracked("claims-20260101-120000-7")
    for folder in (superseded, other):
        (folder / "verdict.json").write_text("{}")
        age(folder, 40)
    for number in (1, 2):
        entry = {
            "level": "study",
            "study": f"shop-000{number}-abc",
            "snapshot": registered_table("shop").snapshot,
        }
        record_decision("shop", "retraining", entry)
    assert kinds(clean()) == {"superseded studies": 1, "intermediate files of finished studies": 1}
    assert not superseded.exists() and (other / "verdict.json").exists()


def test_where_the_card_of_a_table_cannot_be_used_no_snapshot_is_cleaned(place, tmp_path, monkeypatch):
    shop.register(tmp_path)
    age(home() / "snapshots", 40)
    monkeypatch.setattr(module, "registered_tables", list)
    assert clean() == []


def test_what_cannot_be_removed_is_logged_and_stops_nothing_after_it(place, monkeypatch, caplog):
    cache = cache_at(make_cache(home())).folder
    write(cache / "ab" / "old.tar", 10, time.time() - 40 * DAY)

    def fail():
        raise PermissionError

    two = [Removal("rows in quarantine", 1, fail), Removal("superseded studies", 2, lambda: None)]
    monkeypatch.setattr(module, "removals", lambda before: iter(two))
    assert kinds(clean()) == {"superseded studies": 1, "cached results": 1}
    assert "One of the rows in quarantine cannot be removed (PermissionError)" in caplog.text


def test_a_version_whose_run_is_gone_is_deleted_and_recorded_once(place, monkeypatch):
    from mlflow import MlflowClient, MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

    table, client = register("bank", promotion="auto"), MlflowClient()
    for _ in range(2):
        folder, document = study(table, raw_rows(N_FIRST), "class-prior")
        logged = track.fn(folder, document)
        review_challenger(table, logged, drift_is_critical=False)
    first, second = (client.get_model_version("bank", number) for number in "12")
    monkeypatch.setattr(MlflowClient, "get_run", lambda *_: (_ for _ in ()).throw(ConnectionError))
    with pytest.raises(ConnectionError):
        _remove_version("bank", first)
    assert decisions("bank", CLEANED) == [], "nothing is recorded before MLflow answers"
    gone = MlflowException("no run", RESOURCE_DOES_NOT_EXIST)
    monkeypatch.setattr(MlflowClient, "get_run", lambda *_: (_ for _ in ()).throw(gone))
    assert _n_bytes_of(second) == 0
    delete = MlflowClient.delete_model_version
    monkeypatch.setattr(
        MlflowClient, "delete_model_version", lambda *_: (_ for _ in ()).throw(ConnectionError)
    )
    with pytest.raises(ConnectionError):
        _remove_version("bank", second)
    monkeypatch.setattr(MlflowClient, "delete_model_version", delete)
    _remove_version("bank", second)
    assert [entry.document for entry in decisions("bank", CLEANED)] == [{"versions": ["2"]}]
    assert {str(v.version) for v in client.search_model_versions("name = 'bank'")} == {"1"}


def test_the_next_retraining_finds_its_interrupted_folder(place, tmp_path):
    shop.register(tmp_path)
    folder = next_folder(registered_table("shop")).path
    age(folder, 400)
    clean()
    assert folder.exists()


def test_rows_that_wait_stay_and_what_was_read_goes(place, tmp_path):
    from realmix.tasks.landing import folder as landing
    from realmix.tasks.lifecycle.admit import admit_waiting
    from realmix.tasks.lifecycle.land import batch_folder, look

    landed = tmp_path / "incoming"
    landed.mkdir()
    shop.register(landed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "SETTLE_SECONDS", 0.02)
        shop.drop(landed, "june.csv", shop.rows(20, first=200))
        look("shop")
        age(batch_folder("shop"), 40)
        assert "batches that were read" not in kinds(clean())
        admit_waiting("shop")
    age(batch_folder("shop"), 40)
    # A batch is rows and a note; the rows before it are no longer the table's, but were used today.
    assert kinds(clean(is_dry=True)) == {"batches that were read": 2}
    assert len(list(batch_folder("shop").iterdir())) == 2, "a dry run removes nothing"
    clean()
    assert list(batch_folder("shop").iterdir()) == []


def test_the_rows_of_a_table_stay_and_others_go_once_nobody_uses_them(place, tmp_path):
    from realmix.tasks.runtime.snapshots import take_snapshot

    shop.register(tmp_path)
    snapshots = home() / "snapshots"
    other = take_snapshot(shop.rows(7), snapshots, source={})
    age(snapshots, 40)
    take_snapshot(shop.rows(7), snapshots, source={})  # a study that begins now reads the same rows
    assert clean() == []
    age(snapshots, 40)
    assert kinds(clean()) == {"snapshots that nothing references": 2}
    assert not other.path.exists()
    assert (snapshots / f"{registered_table('shop').snapshot}.parquet").exists()


def test_less_than_a_day_is_refused(place):
    with pytest.raises(BadInput, match="expected a day or more"):
        clean(datetime.timedelta(hours=3))


def test_superseded_versions_leave_mlflow_and_their_runs_keep_the_verdict(place, monkeypatch):
    from mlflow import MlflowClient

    table, client = register("bank", promotion="auto"), MlflowClient()
    tracking = []
    for number in range(1, 6):
        folder, document = study(table, raw_rows(N_FIRST), "class-prior")
        logged = track.fn(folder, document)
        review_challenger(table, logged, drift_is_critical=False)
        tracking.append(logged["tracking"])
        if 1 < number < 5:  # the first one is promoted by itself
            intended = record_decision(
                "bank", PROMOTION, {"version": str(number), "replaces": str(number - 1)}
            )
            record_decision("bank", SETTLED, {"settles": intended.digest, "version": str(number)})
            client.set_registered_model_alias("bank", "champion", str(number))
    assert "model versions in MLflow" not in kinds(clean())
    later = time.time() + 40 * DAY
    monkeypatch.setattr(module.time, "time", lambda: later)
    found = {each.kind: each for each in clean()}["model versions in MLflow"]
    # 4 is the champion, 2 and 3 came before it; 5 waits. 1 was the first champion.
    assert (found.n_removed, found.n_bytes > 1000) == (1, True)
    assert {str(v.version) for v in client.search_model_versions("name = 'bank'")} == {"2", "3", "4", "5"}
    left = {item.path for item in client.list_artifacts(tracking[0]["run_id"])}
    assert "verdict.json" in left and not left & {"model", "evaluated", "real_only"}
    (entry,) = decisions("bank", CLEANED)
    assert entry.document == {"versions": ["1"]}
    rollback("bank", "complaints", "me")
    rollback("bank", "complaints", "me")
    with pytest.raises(BadInput, match="has no earlier champion"):
        rollback("bank", "complaints", "me")


def test_without_mlflow_no_snapshot_is_cleaned_for_its_versions_may_need_it(
    place, tmp_path, monkeypatch, caplog
):
    from realmix.tasks.runtime.snapshots import take_snapshot

    take_snapshot(shop.rows(7), home() / "snapshots", source={})
    age(home() / "snapshots", 40)
    monkeypatch.setattr(module, "models_in_mlflow", lambda: (_ for _ in ()).throw(ConnectionError))
    assert clean() == [] and "MLflow does not answer" in caplog.text


# Bytes that one real night left: 2,000 rows, 100 new ones, a whole study with the default budget. Today a
# night leaves less: then, the cache was not compressed, and a finished study kept its intermediate files.
# MLflow's database grew by 213,000 with 21 runs; here it gets as many as a study may have.
NIGHT = {
    "work": 18_200_000, "study": 480_000, "cache": 17_900_000, "snapshot": 33_000, "batch": 17_000,
    "models": 345_000, "documents": 300_000, "mlflow.db": 920_000, "prefect": 1_510_000, "state": 12_300,
}  # fmt: skip


def test_a_year_of_nights_stays_under_two_gigabytes(place, tmp_path, monkeypatch):
    """Every night a study and a new champion, the most that can be left."""
    shop.register(tmp_path)
    start = time.time()
    versions: dict[str, SimpleNamespace] = {}
    monkeypatch.setattr(module, "models_in_mlflow", lambda: [("shop", list(versions.values()), set())])
    monkeypatch.setattr(module, "_n_bytes_of", lambda version: NIGHT["models"])

    def remove(name, version):
        (home() / "mlartifacts" / version.version / "model").unlink()
        del versions[version.version]

    monkeypatch.setattr(module, "_remove_version", remove)
    cache = cache_at(make_cache(home())).folder
    peak = 0
    for night in range(365):
        now = start + night * DAY
        monkeypatch.setattr(module.time, "time", lambda now=now: now)
        name, number = f"shop-{night + 1:04d}-abc", str(night + 1)
        folder = home() / "studies" / name
        write(folder / "work" / "fold", NIGHT["work"], now)
        write(folder / "model", NIGHT["study"], now)
        (folder / "tracking.json").write_text('{"run_id": "a"}')
        age(folder, (time.time() - now) / DAY)
        write(home() / "snapshots" / f"{night}.parquet", NIGHT["snapshot"], now)
        write(home() / "snapshots" / f"{night}.json", 500, now)
        write(home() / "tables" / "shop" / "batches" / f"{night}.parquet", NIGHT["batch"], now)
        write(home() / "mlartifacts" / number / "model", NIGHT["models"], now)
        write(home() / "mlartifacts" / number / "documents", NIGHT["documents"], now)
        write(cache / "ab" / f"{night}.tar", NIGHT["cache"], now)
        for database in ("mlflow.db", "prefect", "state"):
            write(home() / "grows" / database, NIGHT[database] * (night + 1), now)
        versions[number] = SimpleNamespace(version=number, creation_timestamp=now * 1000, tags={})
        # After each retraining, really; once a week costs this test less, and leaves more.
        record_decision("shop", "retraining", {"level": "study", "study": name, "snapshot": str(night)})
        if night % 7 == 0:
            record_decision("shop", PROMOTION, {"version": number, "replaces": None, "study": name})
            peak = max(peak, sum(path.stat().st_size for path in home().rglob("*") if path.is_file()))
            clean(KEPT)
    assert 1_000 * MB < peak < 2_000 * MB
    assert len(versions) < 40

"""Results of a study by key, for workers that do not see its folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.fits.scope import (
    DEVELOPMENT,
    GROUP,
    HOLDOUT,
    WEIGHT,
    Scope,
    write_rows,
    write_scope,
)
from realmix.tasks.runtime import shared_storage
from realmix.tasks.runtime.archive import Seal, pack
from realmix.tasks.runtime.shared_storage import (
    StepResults,
    at_hand,
    bring,
    check_storage,
    is_seen,
    open_storage,
    share,
    share_file,
    storage_of,
)
from realmix.tasks.runtime.study_folder import Storage, StudyFolder

FOLD = "fold-0-0"
SECRET = b"of this study"


@pytest.fixture
def url() -> str:
    return f"memory://bucket/{uuid.uuid4().hex}"


@pytest.fixture
def study(tmp_path: Path, url: str) -> StudyFolder:
    """A study with one fold."""
    folder = StudyFolder(tmp_path / "study", storage=Storage(url, SECRET))
    write(folder.work / "context.json", "{}")
    write(folder.work / "development.parquet", "development rows")
    write(folder.scope(FOLD) / "training.npy", "positions")
    write(folder.scope(FOLD) / "teacher.pickle", "code")
    write(folder.work / "holdout.parquet", "holdout")
    StepResults(folder.path, Storage(url, SECRET)).open()
    return folder


@pytest.fixture
def on_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What `keep_copies_in` makes of this process."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home-of-the-worker"))
    monkeypatch.setattr(shared_storage, "_places", [tmp_path / "copies"])
    yield tmp_path / "copies"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def stored(url: str) -> set[str]:
    found = fsspec.filesystem("memory").find(url.removeprefix("memory:/"))
    return {path.removeprefix(url.removeprefix("memory:/") + "/") for path in found} - {".open"}


def test_a_worker_is_given_its_rows_and_what_it_makes_comes_back_by_its_key(
    study: StudyFolder, url: str, on_a_worker: Path
) -> None:
    share(study, FOLD)
    with at_hand(study, FOLD, gives="pool-smote") as here:
        assert on_a_worker in here.path.parents
        assert (here.scope(FOLD) / "training.npy").read_text() == "positions"
        assert (here.work / "context.json").exists()
        assert here.cache and here.cache.is_dir() and here.storage is None
        write(here.scope(FOLD) / "smote.parquet", "made")
        write(here.path / "validation/smote/report.html", "refused")
    assert stored(url) == {"rows", f"{FOLD}/rows", f"{FOLD}/pool-smote"}
    bring(study, [f"{FOLD}/pool-smote"])
    assert (study.scope(FOLD) / "smote.parquet").read_text() == "made"
    assert (study.path / "validation/smote/report.html").read_text() == "refused"


def test_a_step_is_given_what_it_needs_and_no_more(
    study: StudyFolder, tmp_path: Path, url: str, on_a_worker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(study, FOLD)
    for name in ("smote", "ctgan"):
        with at_hand(study, FOLD, gives=f"pool-{name}") as here:
            write(here.scope(FOLD) / f"{name}.parquet", name)
    monkeypatch.setattr(shared_storage, "_places", [tmp_path / "of another worker"])
    with at_hand(study, FOLD, "pool-smote", gives="train-smote") as other:
        assert other.path != here.path
        assert (other.scope(FOLD) / "smote.parquet").read_text() == "smote"
        assert not (other.scope(FOLD) / "ctgan.parquet").exists()
    with pytest.raises(BadInput, match=r"There is no object .*tvae"), at_hand(study, FOLD, "pool-tvae"):
        pass


def test_a_worker_reads_the_rows_of_its_scope_and_those_of_the_holdout_only_for_the_fit_on_all(
    tmp_path: Path, url: str, on_a_worker: Path
) -> None:
    study, rows = (
        StudyFolder(tmp_path / "study", storage=Storage(url, SECRET)),
        pd.DataFrame({"age": np.arange(8.0)}),
    )
    write(study.work / "context.json", "{}")
    for name, side in ((DEVELOPMENT, slice(6)), (HOLDOUT, slice(6, 8))):
        write_rows(study.work / name, rows[side], **{WEIGHT: np.ones(8)[side], GROUP: np.arange(8)[side]})
    write_scope(study.scope("fold-0-0"), np.arange(4), np.arange(4, 6))
    write_scope(study.scope("shipped"), np.arange(8)[::-1])
    with open_storage(study):
        share(study, FOLD)
        assert HOLDOUT not in stored(url)
        with at_hand(study, FOLD) as here:
            assert here.path != study.path and not (here.work / HOLDOUT).exists()
            fold = Scope(here.scope("fold-0-0"))
            assert fold.training["age"].tolist() == [0, 1, 2, 3] and fold.validation["age"].tolist() == [4, 5]
        share(study, "shipped")
        with at_hand(study, "shipped") as here:
            assert Scope(here.scope("shipped")).training["age"].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
            assert Scope(here.scope("shipped")).groups.tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_neither_pickles_nor_the_holdout_travel_with_a_fold(
    study: StudyFolder, url: str, on_a_worker: Path, tmp_path: Path
) -> None:
    share(study, FOLD)
    with at_hand(study, FOLD, gives="teacher") as here:
        assert {path.name for path in here.work.rglob("*.*")} == {
            "context.json",
            "development.parquet",
            "training.npy",
        }
        write(here.scope(FOLD) / "teacher.pickle", "its own")
        write(here.scope(FOLD) / "teacher.npy", "labels")
    bring(study, [f"{FOLD}/teacher"])
    assert (study.scope(FOLD) / "teacher.pickle").read_text() == "code"
    assert (study.scope(FOLD) / "teacher.npy").read_text() == "labels"


@pytest.mark.parametrize(
    "name", [f"work/{FOLD}/teacher.pickle", f"work/{FOLD}/smote.parquet", "work/context.json"]
)
def test_whoever_writes_to_the_bucket_without_the_secret_changes_nothing(
    tmp_path: Path, study: StudyFolder, url: str, name: str
) -> None:
    write(tmp_path / "content", "from elsewhere")
    pack(
        tmp_path / "archive", {}, {name: tmp_path / "content"}, Seal(b"another secret", f"{FOLD}/pool-smote")
    )
    fsspec.filesystem("memory").pipe(f"{url}/{FOLD}/pool-smote", (tmp_path / "archive").read_bytes())
    with pytest.raises(BadInput, match="somebody else writes there"):
        bring(study, [f"{FOLD}/pool-smote"])
    assert not [path for path in study.path.rglob("*.*") if path.read_text() == "from elsewhere"]


def test_the_result_of_one_step_is_not_taken_for_that_of_another(study: StudyFolder, url: str) -> None:
    StepResults(study.path, Storage(url, SECRET)).put(f"{FOLD}/pool-ctgan", ["work/context.json"])
    store = fsspec.filesystem("memory")
    store.copy(f"{url}/{FOLD}/pool-ctgan", f"{url}/{FOLD}/pool-smote")
    with pytest.raises(BadInput, match="somebody else writes there"):
        bring(study, [f"{FOLD}/pool-smote"])


def test_the_secret_of_a_study_is_its_own_and_is_not_shown() -> None:
    one, other = (storage_of("s3://bucket/prefix/", "study-1") for _ in range(2))
    assert one.secret != other.secret and len(one.secret) == 32
    assert one.url.startswith("s3://bucket/prefix/study-1-") and one.url != other.url
    assert str(one.secret) not in repr(StudyFolder(Path("out"), storage=one))


@pytest.mark.parametrize("there", [b"", b"no archive" * 100])
def test_what_is_no_archive_is_refused_and_nothing_is_changed(
    study: StudyFolder, url: str, there: bytes
) -> None:
    fsspec.filesystem("memory").pipe(f"{url}/{FOLD}/pool-smote", there)
    with pytest.raises(BadInput, match=f"{FOLD}/pool-smote is not what a step of this study wrote"):
        bring(study, [f"{FOLD}/pool-smote"])
    assert {path.name for path in study.scope(FOLD).iterdir()} == {"training.npy", "teacher.pickle"}


def test_each_result_is_copied_once(study: StudyFolder, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, copied = Storage(url, SECRET), list[str]()
    results = StepResults(study.path, storage)
    StepResults(study.path, storage).put("final", ["work/context.json"])
    get = results._store.get_file
    monkeypatch.setattr(
        results._store, "get_file", lambda there, here: copied.append(there) or get(there, here)
    )
    results.take(["final"])
    results.take(["final"])
    results.put("own", ["work/context.json"])
    results.take(["own"])
    assert len(copied) == 1


def test_rows_are_stored_once(study: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    put, stored_keys = StepResults.put, list[str]()
    monkeypatch.setattr(
        StepResults, "put", lambda self, key, *given: stored_keys.append(key) or put(self, key, *given)
    )
    share(study, FOLD)
    share(study, FOLD)
    assert stored_keys == ["rows", f"{FOLD}/rows"]


def test_on_the_machine_of_the_study_its_own_folder_is_used(study: StudyFolder, url: str) -> None:
    with at_hand(study, FOLD) as here:
        assert here is study
    assert stored(url) == set()


def test_without_storage_nothing_is_copied(tmp_path: Path, on_a_worker: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    share(folder, FOLD)
    bring(folder, [f"{FOLD}/pool-smote"])
    with at_hand(folder, FOLD, "teacher", gives="pool-smote") as here, open_storage(folder):
        assert here is folder
    assert share_file(folder, tmp_path / "raw.parquet") == str(tmp_path / "raw.parquet")
    assert not on_a_worker.exists()


def test_a_file_from_elsewhere_has_the_same_name_in_all_copies(
    tmp_path: Path, study: StudyFolder, url: str, on_a_worker: Path
) -> None:
    write(tmp_path / "snapshots/abc.parquet", "all rows")
    share(study, FOLD)
    name = share_file(study, tmp_path / "snapshots/abc.parquet")
    assert share_file(study, tmp_path / "snapshots/abc.parquet") == name
    assert stored(url) == {"rows", f"{FOLD}/rows", name}
    with at_hand(study, FOLD, also=(name,)) as here:
        assert (here.path / name).read_text() == "all rows"


def test_nothing_stays_in_the_store_also_after_an_error(study: StudyFolder, url: str) -> None:
    with pytest.raises(RuntimeError), open_storage(study):
        share(study, FOLD)
        assert stored(url)
        raise RuntimeError
    assert not fsspec.filesystem("memory").find(url.removeprefix("memory:/"))


def test_a_step_that_ends_after_its_study_takes_away_what_it_made(
    study: StudyFolder, url: str, on_a_worker: Path
) -> None:
    with open_storage(study):
        share(study, FOLD)
        step = at_hand(study, FOLD, gives="pool-smote")
        here = step.__enter__()
    write(here.scope(FOLD) / "smote.parquet", "rows")
    step.__exit__(None, None, None)
    assert stored(url) == set()
    assert not here.path.exists()


def test_what_cannot_be_removed_is_said_and_the_study_goes_on(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(results: StepResults) -> None:
        raise BadInput("Access is refused.")

    monkeypatch.setattr(StepResults, "remove", refuse)
    with open_storage(study):
        share(study, FOLD)
    assert study.storage and f"Rows of the table stay under {study.storage.url}" in caplog.text


def test_signs_of_a_pattern_in_a_name_are_no_pattern(tmp_path: Path, url: str) -> None:
    folder = StudyFolder(tmp_path / "a[1]*", storage=Storage(f"{url}/a[1]*", SECRET))
    write(folder.work / "context.json", "{}")
    write(folder.work / "development.parquet", "rows")
    write(folder.scope(FOLD) / "training.npy", "positions")
    with open_storage(folder):
        share(folder, FOLD)
        assert stored(f"{url}/a[1]*") == {"rows", f"{FOLD}/rows"}
    assert not fsspec.filesystem("memory").find(url.removeprefix("memory:/"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("/shared/folder", "is no URL.*--out"),
        ("nosuch://bucket/prefix", "cannot be read here"),
        ("s3://key:secret@bucket/prefix", "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_what_cannot_be_used_is_refused_without_repeating_secrets(wrong: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as refused:
        check_storage(wrong)
    assert "key:secret" not in str(refused.value)


def test_a_check_leaves_nothing_behind(url: str) -> None:
    check_storage(url)
    assert stored(url) == set()
    assert not is_seen(f"{url}/anything")

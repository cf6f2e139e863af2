"""Copies of a study's files for workers that do not see its folder."""

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
from realmix.tasks.runtime.shared_storage import (
    Mirror,
    at_hand,
    bring,
    check_storage,
    is_seen,
    open_storage,
    share,
    within,
)
from realmix.tasks.runtime.study_folder import StudyFolder

FOLD = "work/fold-0-0"


@pytest.fixture
def url() -> str:
    return f"memory://bucket/{uuid.uuid4().hex}"


@pytest.fixture
def study(tmp_path: Path, url: str) -> StudyFolder:
    """A study with one fold."""
    folder = StudyFolder(tmp_path / "study", storage=url)
    write(folder.work / "context.json", "{}")
    write(folder.scope("fold-0-0") / "training.parquet", "rows")
    write(folder.scope("fold-0-0") / "teacher.pickle", "code")
    write(folder.work / "holdout.parquet", "holdout")
    Mirror(folder.path, url).open()
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


def test_a_worker_is_given_its_scope_and_what_it_makes_comes_back(
    study: StudyFolder, url: str, on_a_worker: Path
) -> None:
    share(study, "fold-0-0")
    with at_hand(study, "fold-0-0") as here:
        assert on_a_worker in here.path.parents
        assert (here.scope("fold-0-0") / "training.parquet").read_text() == "rows"
        assert (here.work / "context.json").exists()
        assert here.cache and here.cache.is_dir() and here.storage is None
        write(here.scope("fold-0-0") / "smote.parquet", "made")
    bring(study, "fold-0-0")
    assert (study.scope("fold-0-0") / "smote.parquet").read_text() == "made"


def test_a_worker_reads_the_rows_of_its_scope_and_those_of_the_holdout_only_for_the_fit_on_all(
    tmp_path: Path, url: str, on_a_worker: Path
) -> None:
    study, rows = StudyFolder(tmp_path / "study", storage=url), pd.DataFrame({"age": np.arange(8.0)})
    for name, side in ((DEVELOPMENT, slice(6)), (HOLDOUT, slice(6, 8))):
        write_rows(study.work / name, rows[side], **{WEIGHT: np.ones(8)[side], GROUP: np.arange(8)[side]})
    write_scope(study.scope("fold-0-0"), np.arange(4), np.arange(4, 6))
    write_scope(study.scope("shipped"), np.arange(8)[::-1])
    with open_storage(study):
        share(study, "fold-0-0")
        assert f"work/{HOLDOUT}" not in stored(url)
        with at_hand(study, "fold-0-0") as here:
            assert here.path != study.path and not (here.work / HOLDOUT).exists()
            fold = Scope(here.scope("fold-0-0"))
            assert fold.training["age"].tolist() == [0, 1, 2, 3] and fold.validation["age"].tolist() == [4, 5]
        share(study, "shipped")
        with at_hand(study, "shipped") as here:
            assert Scope(here.scope("shipped")).training["age"].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
            assert Scope(here.scope("shipped")).groups.tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_neither_pickles_nor_the_holdout_travel_with_a_fold(
    study: StudyFolder, url: str, on_a_worker: Path
) -> None:
    share(study, "fold-0-0")
    assert stored(url) == {"work/context.json", "work/fold-0-0/training.parquet"}
    fsspec.filesystem("memory").pipe(f"{url}/{FOLD}/teacher.pickle", b"from elsewhere")
    with at_hand(study, "fold-0-0") as here:
        assert not (here.scope("fold-0-0") / "teacher.pickle").exists()
        write(here.scope("fold-0-0") / "teacher.pickle", "its own")
    bring(study, "fold-0-0")
    assert (study.scope("fold-0-0") / "teacher.pickle").read_text() == "code"


def test_what_did_not_change_is_not_sent_again(
    study: StudyFolder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    mirror = Mirror(study.path, url)
    put = mirror._store.put_file
    monkeypatch.setattr(mirror._store, "put_file", lambda here, there: sent.append(here) or put(here, there))
    mirror.push("work/fold-0-0")
    mirror.pull("work/fold-0-0")
    mirror.push("work/fold-0-0")
    assert len(sent) == 1
    write(study.scope("fold-0-0") / "training.parquet", "other rows")
    mirror.push("work/fold-0-0")
    assert len(sent) == 2


def test_a_changed_file_replaces_its_copy_and_a_removed_one_removes_it(
    tmp_path: Path, study: StudyFolder, url: str
) -> None:
    ours, theirs = Mirror(study.path, url), Mirror(tmp_path / "copy", url)
    rows, copy = (folder / "work/fold-0-0/training.parquet" for folder in (study.path, tmp_path / "copy"))
    ours.push("work")
    theirs.pull("work")
    rows.write_text("other")
    ours.push("work")
    theirs.pull("work")
    assert copy.read_text() == "other"
    copy.unlink()
    theirs.push("work")
    ours.pull("work")
    assert not rows.exists()
    assert (study.work / "context.json").exists()


def test_files_of_others_are_left_alone(tmp_path: Path, study: StudyFolder, url: str) -> None:
    """Two workers make files of one scope; neither takes away what it does not know."""
    one, other = Mirror(tmp_path / "one", url), Mirror(tmp_path / "other", url)
    for mirror, name in ((one, "smote"), (other, "ctgan")):
        mirror.pull("work/fold-0-0")
        write(mirror.folder / f"work/fold-0-0/{name}.parquet", name)
    one.push("work/fold-0-0")
    other.push("work/fold-0-0")
    assert stored(url) == {"work/fold-0-0/smote.parquet", "work/fold-0-0/ctgan.parquet"}


def test_on_the_machine_of_the_study_its_own_folder_is_used(study: StudyFolder, url: str) -> None:
    with at_hand(study, "fold-0-0") as here:
        assert here is study
    assert stored(url) == set()


def test_without_storage_nothing_is_copied(tmp_path: Path, on_a_worker: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    share(folder, "fold-0-0")
    bring(folder, "fold-0-0")
    with at_hand(folder, "fold-0-0") as here, open_storage(folder):
        assert here is folder
    assert within(folder, tmp_path / "raw.parquet") == str(tmp_path / "raw.parquet")
    assert not on_a_worker.exists()


def test_a_file_from_elsewhere_gets_a_name_in_the_study(tmp_path: Path, study: StudyFolder, url: str) -> None:
    write(tmp_path / "snapshots/abc.parquet", "all rows")
    name = within(study, tmp_path / "snapshots/abc.parquet")
    share(study, also=(name,))
    assert (study.path / name).read_text() == "all rows"
    assert stored(url) == {name}


def test_nothing_stays_in_the_store_also_after_an_error(study: StudyFolder, url: str) -> None:
    with pytest.raises(RuntimeError), open_storage(study):
        share(study, "fold-0-0")
        assert stored(url)
        raise RuntimeError
    assert not fsspec.filesystem("memory").find(url.removeprefix("memory:/"))


def test_a_step_that_ends_after_its_study_takes_away_what_it_made(
    study: StudyFolder, url: str, on_a_worker: Path
) -> None:
    with open_storage(study):
        share(study, "fold-0-0")
        step = at_hand(study, "fold-0-0")
        here = step.__enter__()
    write(here.scope("fold-0-0") / "smote.parquet", "rows")
    step.__exit__(None, None, None)
    assert stored(url) == set()
    assert not here.path.exists()


def test_what_cannot_be_removed_is_said_and_the_study_goes_on(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(mirror: Mirror) -> None:
        raise BadInput("Access is refused.")

    monkeypatch.setattr(Mirror, "remove", refuse)
    with open_storage(study):
        share(study, "fold-0-0")
    assert f"Rows of the table stay under {study.storage}" in caplog.text


def test_signs_of_a_pattern_in_a_name_are_no_pattern(tmp_path: Path, url: str) -> None:
    folder = StudyFolder(tmp_path / "a[1]*", storage=f"{url}/a[1]*")
    write(folder.scope("fold-0-0") / "training.parquet", "rows")
    with open_storage(folder):
        share(folder, "fold-0-0")
        assert stored(f"{url}/a[1]*") == {"work/fold-0-0/training.parquet"}
    assert not fsspec.filesystem("memory").find(url.removeprefix("memory:/"))


def test_an_object_cannot_be_called_out_of_the_folder(tmp_path: Path, study: StudyFolder, url: str) -> None:
    names = {f"{url}/{FOLD}/../../../../outside.txt": {}, f"{url}/{FOLD}/inside.txt": {}}
    mirror = Mirror(tmp_path / "a" / "copy", url)
    fetched: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        listed = {name.removeprefix("memory:/"): about for name, about in names.items()}
        patch.setattr(mirror._store, "find", lambda path, detail: listed)
        patch.setattr(
            mirror._store, "get_file", lambda there, here: fetched.append(there) or write(Path(here), "")
        )
        mirror.pull("work/fold-0-0")
    assert [Path(name).name for name in fetched] == ["inside.txt"]
    assert not list(tmp_path.rglob("outside.txt"))


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

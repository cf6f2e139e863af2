"""A file of the folder is a batch once it stands still, and once only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.landing import folder as landing
from realmix.tasks.landing.folder import read_folder
from realmix.tasks.sources import _compressed
from realmix.tasks.sources._table import typed_rows

ROWS = pd.DataFrame({"age": [30, 41], "bought": ["no", "yes"]})
WRITE_SLOWLY = """
import sys, time
with open(sys.argv[1], "w") as file:
    file.write("age,bought\\n")
    while True:
        file.write("30,no\\n")
        file.flush()
        print(flush=True)
        time.sleep(0.02)
"""


@pytest.fixture(autouse=True)
def settles_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "SETTLE_SECONDS", 0.2)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def drop(place: Path, name: str, *, at: int = 0, rows: pd.DataFrame = ROWS) -> Path:
    """Put a file there, changed so many seconds after 2026."""
    path = place / name
    rows.to_csv(path, index=False)
    moment = 1_767_225_600 + at
    os.utime(path, (moment, moment))
    return path


def read(place: Path, cursor: dict | None = None) -> list[Landed]:
    return list(read_folder(str(place), Operation(), cursor))


def names(steps: list[Landed]) -> list[str]:
    return [landed.name for landed in steps if landed.name]


def test_files_are_read_the_oldest_first_and_not_again(place):
    drop(place, "b.csv", at=1), drop(place, "a.csv", at=2), drop(place, "c.csv", at=1)
    steps = read(place)
    assert names(steps) == ["b.csv", "c.csv", "a.csv"]
    assert all(typed_rows(landed.rows).equals(ROWS) for landed in steps)
    assert read(place, steps[-1].cursor) == []
    assert names(read(place, steps[0].cursor)) == ["c.csv", "a.csv"]


def test_a_file_that_changed_is_read_again_and_one_that_went_is_forgotten(place):
    path = drop(place, "a.csv")
    cursor = read(place)[-1].cursor
    drop(place, "a.csv", at=5)
    assert names(read(place, cursor)) == ["a.csv"]
    path.unlink()
    assert [landed.cursor for landed in read(place, cursor)] == [{}]


def test_a_file_that_is_being_written_is_not_taken(place):
    half = place / "half.csv"
    with subprocess.Popen([sys.executable, "-c", WRITE_SLOWLY, str(half)], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        drop(place, "whole.csv")
        assert names(read(place)) == ["whole.csv"]
        writer.kill()
    assert names(read(place)) == ["whole.csv", "half.csv"]


@pytest.mark.parametrize("marker", ["a.csv._SUCCESS", "_SUCCESS"])
def test_a_marked_file_is_taken_at_once_and_the_marker_is_no_batch(place, marker, monkeypatch):
    monkeypatch.setattr(landing, "SETTLE_SECONDS", 1e9)
    drop(place, "a.csv")
    (place / marker).touch()
    assert names(read(place)) == ["a.csv"]


def test_a_marker_older_than_the_file_says_nothing_of_it(place, monkeypatch):
    (place / "_SUCCESS").touch()
    path = drop(place, "a.csv", at=10**9)
    monkeypatch.setattr(landing.time, "sleep", lambda seconds: path.write_text("age,bought\n30,no\n41"))
    assert names(read(place)) == []


@pytest.mark.parametrize("name", [".a.csv", "a.csv.tmp", "a.csv.part", "_a.csv", "a.csv~"])
def test_hidden_and_temporary_files_and_folders_are_left_alone(place, name):
    drop(place, name)
    (place / "archive").mkdir()
    drop(place / "archive", "old.csv")
    assert read(place) == []


@pytest.mark.parametrize("content", [b"", bytes(range(256)), b"age,bought\n1,2,3\n"])
def test_what_is_no_table_is_told_with_its_reason_and_the_others_are_read(place, content):
    (place / "bad.csv").write_bytes(content)
    drop(place, "good.csv", at=10**9)
    steps = read(place)
    assert names(steps) == ["bad.csv", "good.csv"]
    assert steps[0].refusal and steps[0].rows is None and len(steps[0].fingerprint) == 64
    assert read(place, steps[-1].cursor) == []


def test_a_file_that_cannot_be_opened_is_tried_again(place, monkeypatch):
    drop(place, "a.csv", at=1), drop(place, "b.csv", at=2)
    real = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "a.csv":
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        steps = read(place)
    assert names(steps) == ["b.csv"]
    assert names(read(place, steps[-1].cursor)) == ["a.csv"]


def test_a_link_is_no_batch_wherever_it_leads(place: Path, tmp_path: Path) -> None:
    (tmp_path / "of another user.csv").write_text(ROWS.to_csv(index=False))
    (place / "link.csv").symlink_to(tmp_path / "of another user.csv")
    assert read(place) == []


def test_a_file_that_is_too_large_is_refused_by_its_size_and_only_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(place, "huge.csv", rows=pd.concat([ROWS] * 5))
    drop(place, "small.csv", at=1)
    monkeypatch.setattr(_compressed, "MAX_FILE_BYTES", 30)
    huge, _ = steps = read(place)
    assert huge.rows is None and "huge.csv holds more than" in str(huge.refusal)
    assert read(place, steps[-1].cursor) == []


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(BadInput, match=r"none' cannot be read: No such file.*operation\.landing"):
        read(tmp_path / "none")


def test_a_file_whose_name_is_not_utf8_is_refused_once_and_the_others_are_read(place):
    ROWS.to_csv(place / "june.csv", index=False)
    Path(os.fsdecode(os.fsencode(place) + b"/ma\xe4rz.csv")).write_text("age,bought\n1,no\n")
    first = list(read_folder(str(place), Operation(), None))
    refused, read = first
    assert refused.name == r"ma\xe4rz.csv" and "not UTF-8. Rename it" in refused.refusal
    assert read.name == "june.csv" and read.rows.cells.num_rows == 2
    assert list(read_folder(str(place), Operation(), first[-1].cursor)) == []

"""Archives: what is packed is unpacked, and only where it was asked for."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from realmix.tasks.runtime.archive import Damaged, Seal, extract, members, pack

SEAL = Seal(b"key of this home", "fit of a fold")


def extracted(archive: Path, into: dict[str, Path], *, seal: Seal = SEAL) -> Any:
    with archive.open("rb") as file:
        return extract(file, into, seal)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    (tmp_path / "model" / "trees").mkdir(parents=True)
    (tmp_path / "model" / "trees" / "0.npy").write_bytes(b"tree")
    (tmp_path / "rows.parquet").write_bytes(b"rows")
    named = {"model": tmp_path / "model", "rows": tmp_path / "rows.parquet", "none": tmp_path / "none"}
    pack(tmp_path / "a.tar", {"score": 0.5}, dict(members(named)), SEAL)
    return tmp_path / "a.tar"


def test_files_of_folders_are_named_by_their_place_and_what_is_not_there_is_left_out(made: Path) -> None:
    with tarfile.open(made) as tar:
        assert tar.getnames()[1:] == ["model/trees/0.npy", "rows"]


def test_only_the_files_asked_for_are_copied_beside_their_targets(made: Path, tmp_path: Path) -> None:
    assert extracted(made, {"model": tmp_path / "out"}) == {"score": 0.5}
    assert [path.read_bytes() for path in (tmp_path / "out").rglob("*.npy")] == [b"tree"]
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_file_too_few_is_damage(made: Path, tmp_path: Path) -> None:
    with tarfile.open(made) as whole, tarfile.open(tmp_path / "c.tar", "w") as tar:
        head = whole.next()
        assert head is not None
        tar.addfile(head, whole.extractfile(head))
    with pytest.raises(Damaged):
        extracted(tmp_path / "c.tar", {"model": tmp_path / "out"})
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "name",
    ["model/../../outside", "model//{}", "model/./outside", "model/outside/", "../outside", "/outside"],
)
def test_no_name_leads_out_of_the_folder(made: Path, tmp_path: Path, name: str) -> None:
    pack(tmp_path / "b.tar", {}, {name.format(tmp_path / "outside"): tmp_path / "rows.parquet"}, SEAL)
    with pytest.raises(Damaged):
        extracted(tmp_path / "b.tar", {"model": tmp_path / "out"})
    assert not list(tmp_path.rglob("*outside*"))


@pytest.mark.parametrize("head", ["", "ä", "0" * 64, "x/../y"])
def test_what_has_another_head_is_damaged(made: Path, tmp_path: Path, head: str) -> None:
    with tarfile.open(made) as whole, tarfile.open(tmp_path / "c.tar", "w") as tar:
        first = whole.next()
        assert first is not None
        content, first.name = whole.extractfile(first), head
        tar.addfile(first, content)
    with pytest.raises(Damaged):
        extracted(tmp_path / "c.tar", {"model": tmp_path / "out"})


@pytest.mark.parametrize("other", [Seal(b"key of another home", SEAL.name), Seal(SEAL.key, "another fit")])
def test_what_was_sealed_with_another_key_or_for_another_place_is_not_unpacked(
    made: Path, tmp_path: Path, other: Seal
) -> None:
    with pytest.raises(Damaged):
        extracted(made, {"model": tmp_path / "out"}, seal=other)
    assert not (tmp_path / "out").exists()

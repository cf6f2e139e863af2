"""The cache: whole or not there, checked when read, bounded, shared between processes."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from realmix.tasks.runtime.cache import STALE_SECONDS, Cache, make_cache
from realmix.tasks.runtime.cache_keys import entry_key

KEY = entry_key(function="fit", seed=0)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(make_cache(tmp_path))


@pytest.fixture
def results(tmp_path: Path) -> dict[str, Path]:
    """A file, a folder with files in it, and a file that a fit may leave out."""
    folder = tmp_path / "made"
    (folder / "model" / "trees").mkdir(parents=True)
    (folder / "rows.parquet").write_bytes(random.Random(0).randbytes(3_000_000))
    (folder / "model" / "spec.json").write_text("{}")
    (folder / "model" / "trees" / "0.npy").write_bytes(b"tree")
    return {"rows.parquet": folder / "rows.parquet", "model": folder / "model", "none": folder / "none"}


def entry(cache: Cache, key: str = KEY) -> Path:
    return cache.folder / key[:2] / f"{key}.tar"


def test_what_was_filed_comes_back_bit_for_bit(
    cache: Cache, results: dict[str, Path], tmp_path: Path
) -> None:
    value = {"score": 0.1 + 0.2, "weights": {"linear/0": 1.0}, "failure": None}
    cache.put(KEY, value, results)
    into = {name: tmp_path / "again" / name for name in results}
    assert cache.get(KEY, into) == value
    for name in ("rows.parquet", "model/spec.json", "model/trees/0.npy"):
        made = results["rows.parquet"].parent / name
        assert (tmp_path / "again" / name).read_bytes() == made.read_bytes()
    assert len(list((tmp_path / "again").rglob("*"))) == 5, "nothing else, no temporary file"


def test_writing_over_a_file_that_was_taken_leaves_the_entry_as_it_was(
    cache: Cache, results: dict[str, Path], tmp_path: Path
) -> None:
    cache.put(KEY, {}, results)
    results["rows.parquet"].write_bytes(b"the study goes on")
    taken = tmp_path / "taken.parquet"
    cache.get(KEY, {"rows.parquet": taken})
    before = taken.read_bytes()
    taken.write_bytes(b"and on")
    cache.get(KEY, {"rows.parquet": taken})
    assert taken.read_bytes() == before


@pytest.mark.parametrize("part", ["manifest", "name of the manifest", "file", "end"])
def test_a_damaged_entry_is_removed_and_never_used(
    cache: Cache, results: dict[str, Path], tmp_path: Path, part: str
) -> None:
    cache.put(KEY, {"score": 0.25}, results)
    content = bytearray(entry(cache).read_bytes())
    if part == "manifest":
        content[content.index(b"0.25") + 3] = ord("6")
    elif part == "name of the manifest":
        content[3] ^= 1
    elif part == "file":
        content[-1_000_000] ^= 1
    else:
        del content[-1_000_000:]
    entry(cache).write_bytes(content)
    target = tmp_path / "rows.parquet"
    target.write_bytes(b"from before")
    assert cache.get(KEY, {"rows.parquet": target}) is None
    assert target.read_bytes() == b"from before"
    assert not entry(cache).exists()
    cache.put(KEY, {"score": 0.25}, results)
    assert cache.get(KEY) == {"score": 0.25}


def test_an_entry_of_other_files_than_its_manifest_names_is_not_used(cache: Cache, tmp_path: Path) -> None:
    cache.put(KEY, {})
    foreign = tmp_path / "teacher.pickle"
    foreign.write_bytes(b"from elsewhere")
    with tarfile.open(entry(cache), "a") as tar:
        tar.add(foreign, "teacher.pickle")
    assert cache.get(KEY, {"teacher.pickle": tmp_path / "scope" / "teacher.pickle"}) is None
    assert not (tmp_path / "scope" / "teacher.pickle").exists()


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(make_cache(tmp_path), max_bytes=130_000)
    rows = tmp_path / "rows"
    rows.write_bytes(b"x" * 30_000)
    keys = [entry_key(number=number) for number in range(4)]
    for age, key in enumerate(keys[:3]):
        cache.put(key, {}, {"rows": rows})
        os.utime(entry(cache, key), (time.time() - 100 + age,) * 2)
    assert cache.get(keys[0]) is not None, "used just now, though it is the oldest"
    cache.put(keys[3], {}, {"rows": rows})
    assert [entry(cache, key).exists() for key in keys] == [True, False, False, True]
    sizes = [path.stat().st_size for path in cache.folder.rglob("*.tar")]
    assert sum(sizes) <= cache.max_bytes


def test_what_a_killed_process_left_behind_is_cleared_away(cache: Cache) -> None:
    old, new = cache.folder / ".old.tmp", cache.folder / ".new.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - STALE_SECONDS - 1,) * 2)
    cache.put(KEY, {})
    assert not old.exists() and new.exists(), "the new one may belong to another study"


def test_nobody_else_may_enter(cache: Cache) -> None:
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700


def test_a_store_that_is_not_there_costs_only_the_repetition(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(tmp_path / "of another machine")
    cache.put(KEY, {"score": 0.5})
    assert cache.get(KEY) is None
    assert not cache.folder.exists()
    assert "could not be cached" in caplog.text


def test_a_fit_of_other_code_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realmix.tasks.runtime.cache_keys.code_version", lambda: "the next release")
    assert entry_key(function="fit", seed=0) != KEY


HAMMER = """
import sys
from pathlib import Path
from realmix.tasks.runtime.cache import Cache
cache, scratch = Cache(Path(sys.argv[1]), max_bytes=600_000), Path(sys.argv[2])
scratch.mkdir()
for turn in range(60):
    number = turn % 7
    right = bytes([number]) * 100_000
    (scratch / "made").write_bytes(right)
    if cache.get(f"{number:064d}", {"made": scratch / "taken"}) is None:
        cache.put(f"{number:064d}", {"number": number}, {"made": scratch / "made"})
    else:
        assert (scratch / "taken").read_bytes() == right
"""


def test_studies_side_by_side_do_not_harm_each_other(cache: Cache, tmp_path: Path) -> None:
    """Two processes write, read and make room in one cache, which holds five of their seven entries."""
    studies = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, str(cache.folder), str(tmp_path / f"scratch-{number}")],
            stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]
    for study in studies:
        assert study.communicate(timeout=100)[1] == b""
    assert not list(cache.folder.glob(".*.tmp"))
    assert all(cache.get(path.stem) is not None for path in cache.folder.rglob("*.tar"))

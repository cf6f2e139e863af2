"""The cache: whole or not there, checked when read, bounded, shared between processes."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime import cache as cache_module
from realmix.tasks.runtime.cache import DATABASE, STALE_SECONDS, Cache, make_cache
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


@pytest.fixture
def of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry is large: a file of its own."""
    monkeypatch.setattr(cache_module, "LARGE_BYTES", 0)


def entry(cache: Cache, key: str = KEY) -> Path:
    """Return the file of a large entry."""
    return cache.folder / key[:2] / f"{key}.tar"


@contextmanager
def rows_of(cache: Cache) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(cache.folder / DATABASE)) as database, database:
        yield database


@pytest.mark.parametrize("large_bytes", [0, 10**9])
def test_what_was_filed_comes_back_bit_for_bit(
    cache: Cache, results: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large_bytes: int
) -> None:
    monkeypatch.setattr(cache_module, "LARGE_BYTES", large_bytes)
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


@pytest.mark.usefixtures("of_files")
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


def test_a_damaged_small_entry_is_removed_and_never_used(
    cache: Cache, results: dict[str, Path], tmp_path: Path
) -> None:
    cache.put(KEY, {"score": 0.25}, results)
    with rows_of(cache) as database:
        database.execute("UPDATE entries SET packed = substr(packed, 1, length(packed) - 9)")
    assert cache.get(KEY, {"rows.parquet": tmp_path / "rows.parquet"}) is None
    assert not (tmp_path / "rows.parquet").exists()
    with rows_of(cache) as database:
        assert database.execute("SELECT count(*) FROM entries").fetchone() == (0,)


def test_a_damaged_cache_is_begun_anew(cache: Cache) -> None:
    cache.put(KEY, {"score": 0.25})
    (cache.folder / DATABASE).write_bytes(b"no database" * 1000)
    assert cache.get(KEY) is None
    cache.put(KEY, {"score": 0.25})
    assert cache.get(KEY) == {"score": 0.25}


def test_many_results_are_few_files_and_what_repeats_takes_little_room(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "trees").write_bytes(b"left right " * 10_000)
    for number in range(50):
        cache.put(entry_key(number=number), {}, {"trees": tmp_path / "trees"})
    (file,) = cache.folder.iterdir()
    assert file.stat().st_size < 500_000


@pytest.mark.usefixtures("of_files")
def test_an_entry_of_other_files_than_its_manifest_names_is_not_used(cache: Cache, tmp_path: Path) -> None:
    cache.put(KEY, {})
    foreign = tmp_path / "teacher.pickle"
    foreign.write_bytes(b"from elsewhere")
    with tarfile.open(entry(cache), "a") as tar:
        tar.add(foreign, "teacher.pickle")
    assert cache.get(KEY, {"teacher.pickle": tmp_path / "scope" / "teacher.pickle"}) is None
    assert not (tmp_path / "scope" / "teacher.pickle").exists()


def test_entries_of_another_home_or_of_another_fit_are_computed_again(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "teacher.pickle").write_bytes(b"from elsewhere")
    (tmp_path / "other").mkdir()
    other = cache_module.Cache(cache_module.make_cache(tmp_path / "other"))
    other.put(KEY, {}, {"teacher.pickle": tmp_path / "teacher.pickle"})
    cache.put("another fit", {})
    (cache.folder / DATABASE).write_bytes((other.folder / DATABASE).read_bytes())
    assert cache.get(KEY, {"teacher.pickle": tmp_path / "scope" / "teacher.pickle"}) is None
    assert not (tmp_path / "scope").exists()
    cache.put("another fit", {"score": 1})
    with rows_of(cache) as database:
        database.execute("UPDATE entries SET key = ?", (KEY,))
    assert cache.get(KEY) is None
    with rows_of(cache) as database:
        assert database.execute("SELECT count(*) FROM entries").fetchone() == (0,)


def test_the_key_is_for_its_user_alone_and_one_that_others_could_read_is_made_anew(
    cache: Cache,
) -> None:
    path = cache.folder.parent / cache_module.KEY
    cache.put(KEY, {"score": 0.25})
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    cache_module._key_in.cache_clear()
    assert cache.get(KEY) is None
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("n_bytes", [10**15, -1, "x", None])
def test_an_entry_that_lies_about_its_size_is_damaged(cache: Cache, n_bytes: object) -> None:
    cache.put(KEY, {"score": 0.25})
    with rows_of(cache) as database:
        database.execute("UPDATE entries SET n_bytes = ?", (n_bytes,))
    assert cache.get(KEY) is None


@pytest.mark.parametrize(
    ("large_bytes", "max_bytes", "stay"),
    # Files are looked at from time to time, so more go; three rows fit beside the pages of the database.
    [(0, 130_000, [True, False, False, True]), (10**9, 110_000, [True, False, True, True])],
)
def test_what_was_not_used_for_longest_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large_bytes: int, max_bytes: int, stay: list[bool]
) -> None:
    monkeypatch.setattr(cache_module, "LARGE_BYTES", large_bytes)
    cache = Cache(make_cache(tmp_path), max_bytes=max_bytes)
    rows = tmp_path / "rows"
    rows.write_bytes(random.Random(0).randbytes(30_000))
    keys = [entry_key(number=number) for number in range(4)]
    for key in keys[:3]:
        cache.put(key, {}, {"rows": rows})
        time.sleep(0.01)
    assert cache.get(keys[0]) is not None, "used just now, though it is the oldest"
    cache.put(keys[3], {}, {"rows": rows})
    kept = [path.stat().st_size for path in cache.folder.rglob("*") if path.is_file()]
    assert sum(kept) <= cache.max_bytes
    assert [cache.get(key) is not None for key in keys] == stay


def test_what_a_running_study_used_stays_whatever_room_others_need(tmp_path: Path) -> None:
    cache = Cache(make_cache(tmp_path), max_bytes=70_000)
    rows = tmp_path / "rows"
    rows.write_bytes(random.Random(0).randbytes(30_000))
    before, *of_study = (entry_key(number=number) for number in range(4))
    cache.put(before, {}, {"rows": rows})
    with cache.pinned():
        for key in of_study:
            cache.put(key, {}, {"rows": rows})
        assert cache.get(before) is None
        assert all(cache.get(key) is not None for key in of_study)
    cache.put(before, {}, {"rows": rows})
    assert any(cache.get(key) is None for key in of_study), "it has ended"


PIN = """
import sys
from pathlib import Path
from realmix.tasks.runtime.cache import Cache
cache = Cache(Path(sys.argv[1]))
with cache.pinned():
    cache.put(sys.argv[2], {})
    print("pinned", flush=True)
    input()
"""


def test_the_pin_of_a_killed_study_ends_with_it(cache: Cache) -> None:
    study = [sys.executable, "-c", PIN, str(cache.folder), KEY]
    with subprocess.Popen(study, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "pinned\n"
        assert cache.remove_unused(time.time() + 60, is_dry=False)[0] == 0, "it runs"
        assert cache.get(KEY) is not None
        other.kill()
    assert cache.remove_unused(time.time() + 60, is_dry=False)[0] == 1
    assert cache.get(KEY) is None
    assert [path.name for path in cache.folder.iterdir()] == [DATABASE]


def test_a_study_that_ends_in_another_s_time_takes_its_pin_alone(cache: Cache) -> None:
    with cache.pinned():
        cache.put(KEY, {})
        with cache.pinned():
            pass
        assert cache.remove_unused(time.time() + 60, is_dry=False)[0] == 0


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
    with cache.pinned():
        cache.put(KEY, {"score": 0.5})
    assert cache.get(KEY) is None
    assert not cache.folder.exists()
    assert "could not be cached" in caplog.text


def test_a_fit_of_other_code_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realmix.tasks.runtime.cache_keys.code_version", lambda: "the next release")
    assert entry_key(function="fit", seed=0) != KEY


HAMMER = """
import random
import sys
from pathlib import Path
from realmix.tasks.runtime.cache import Cache
cache, scratch = Cache(Path(sys.argv[1]), max_bytes=600_000), Path(sys.argv[2])
scratch.mkdir()
for turn in range(60):
    number = turn % 7
    right = random.Random(number).randbytes(100_000)
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
    with rows_of(cache) as database:
        keys = [key for (key,) in database.execute("SELECT key FROM entries")]
    assert keys and all(cache.get(key) is not None for key in keys)


def test_clearing_removes_rows_and_files_and_leaves_no_bytes_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "LARGE_BYTES", 50_000)
    cache, small, large = Cache(tmp_path), tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"Wilhelmina")
    large.write_bytes(bytes(100_000))
    cache.put("a" * 64, {}, {"rows": small})
    cache.put("b" * 64, {}, {"rows": large})
    assert cache.clear() == 2
    assert cache.get("a" * 64) is None and cache.get("b" * 64) is None
    assert list(tmp_path.glob("*/*.tar")) == []
    assert (tmp_path / "results.sqlite").stat().st_size < 10_000


def test_nothing_is_cleared_while_a_study_runs(tmp_path):
    cache = Cache(tmp_path)
    cache.put("a" * 64, {"score": 1})
    with cache.pinned(), pytest.raises(BadInput, match="A study runs"):
        cache.clear()
    assert cache.get("a" * 64) == {"score": 1}

from __future__ import annotations

import datetime
import errno
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.snapshots import (
    explain_os_error,
    frame_digest,
    open_snapshot,
    redirect_snapshot,
    storable,
    take_snapshot,
    write_atomically,
)

# Made with pandas 2.3.3.
DIGEST_OF_KNOWN_TABLE = "e415c18c34fb54d0c67915bce24e6d2c2b402749b54daefa8dbffebab5ec4e8f"
SOURCE = {"kind": "file", "location": "t.csv"}


def every_type() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "gaps": [1.5, np.nan, -0.0],
            "text": ["a", None, "ü"],
            "flag": [True, False, True],
            "flag with gaps": [True, None, False],
            "moment": pd.to_datetime(["2026-01-01 00:00", None, "2026-01-03 10:00"]),
            "nothing": [None, None, None],
            "mixed": [1, "one", datetime.date(2026, 1, 1)],
            "level": pd.Categorical(["x", "y", None]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
        }
    )


def test_a_snapshot_gives_back_what_was_stored(tmp_path):
    raw = every_type()
    snapshot = take_snapshot(raw, tmp_path, source=SOURCE)
    back = snapshot.read()
    assert back.columns.tolist() == raw.columns.tolist()
    unchanged = raw.columns.drop(["mixed", "level"])
    pd.testing.assert_frame_equal(back[unchanged], raw[unchanged])
    assert back["mixed"].tolist() == ["1", "one", "2026-01-01"]
    assert back["level"].tolist() == ["x", "y", None]


def test_a_snapshot_read_back_has_the_same_digest(tmp_path):
    snapshot = take_snapshot(every_type(), tmp_path, source=SOURCE)
    assert frame_digest(snapshot.read()) == snapshot.digest
    assert take_snapshot(snapshot.read(), tmp_path, source=SOURCE) == snapshot


def test_a_snapshot_is_named_by_its_content_and_says_what_it_is(tmp_path):
    snapshot = take_snapshot(every_type(), tmp_path / "new" / "folder", source=SOURCE)
    assert snapshot.path.name == f"{snapshot.digest}.parquet"
    note = json.loads(snapshot.path.with_suffix(".json").read_text())
    assert (note["n_rows"], note["source"]) == (3, SOURCE)
    assert note["columns"][0] == {"name": "whole", "type": "int64"}
    assert datetime.datetime.fromisoformat(note["taken_at"]).tzinfo is not None
    assert open_snapshot(snapshot.path) == snapshot


def test_the_same_content_is_stored_once(tmp_path):
    first = take_snapshot(every_type(), tmp_path, source=SOURCE)
    written = first.path.stat().st_mtime_ns
    second = take_snapshot(every_type().set_index(pd.Index([7, 8, 9])), tmp_path, source={"kind": "other"})
    assert second == first
    assert first.path.stat().st_mtime_ns == written
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.rename(columns={"whole": "hole"}),
        lambda t: t.astype({"whole": float}),
        lambda t: t.assign(text=["a", None, "u"]),
        lambda t: t.assign(text=["a", "None", "ü"]),
        lambda t: t.iloc[::-1],
        lambda t: t.iloc[:2],
        lambda t: t[t.columns[::-1]],
    ],
)
def test_any_change_of_content_is_another_digest(tmp_path, change):
    first = take_snapshot(every_type(), tmp_path, source=SOURCE)
    assert take_snapshot(change(every_type()), tmp_path, source=SOURCE).digest != first.digest


def test_a_source_without_order_has_one_snapshot_for_all_orders(tmp_path):
    source = {"kind": "sql", "row_order": "unspecified"}
    first = take_snapshot(every_type(), tmp_path, source=source)
    second = take_snapshot(every_type().iloc[::-1], tmp_path, source=source)
    assert second == first
    assert first.digest != take_snapshot(every_type(), tmp_path, source=SOURCE).digest


def test_a_known_table_keeps_its_digest():
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "s": ["a", None]})
    assert frame_digest(frame) == DIGEST_OF_KNOWN_TABLE, "stored snapshots would no longer be found"


columns = st.one_of(
    st.lists(st.integers(-(2**62), 2**62), min_size=5, max_size=5),
    st.lists(st.floats(allow_nan=True, width=64), min_size=5, max_size=5),
    st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"))), min_size=5, max_size=5),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=5, max_size=5),
    st.lists(st.one_of(st.none(), st.text("ab"), st.integers(0, 3), st.booleans()), min_size=5, max_size=5),
)


@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(st.text("xyz", min_size=1), columns, min_size=1, max_size=4))
def test_any_table_keeps_its_digest_through_parquet(data, tmp_path_factory):
    frame = pd.DataFrame(data)
    table = take_snapshot(frame, tmp_path_factory.mktemp("t"), source=SOURCE)
    assert frame_digest(table.read()) == table.digest
    pd.testing.assert_frame_equal(table.read(), storable(frame))


def test_an_index_that_says_something_counts_in_the_digest():
    frame = every_type().iloc[[2, 0]]
    assert frame_digest(storable(frame)) != frame_digest(storable(frame.reset_index(drop=True)))


def test_a_lost_or_damaged_snapshot_is_one_sentence(tmp_path):
    table = take_snapshot(every_type(), tmp_path, source=SOURCE)
    table.path.write_bytes(table.path.read_bytes()[:50])
    with pytest.raises(BadInput, match="missing or damaged"):
        table.read()
    table.path.unlink()
    with pytest.raises(BadInput, match="missing or damaged"):
        table.read()


def test_a_snapshot_without_its_note_is_taken_again(tmp_path):
    snapshot = take_snapshot(every_type(), tmp_path, source=SOURCE)
    snapshot.path.with_suffix(".json").unlink()
    with pytest.raises(BadInput, match="no readable note"):
        open_snapshot(snapshot.path)
    assert take_snapshot(every_type(), tmp_path, source=SOURCE).digest == snapshot.digest


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("old")

    def fail(file: Path) -> None:
        file.write_text("half")
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["t.txt"]
    assert path.read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the device that is always full")
def test_no_space_left_is_one_sentence(tmp_path):
    def fill(file: Path) -> None:
        file.write_text("begun")
        Path("/dev/full").write_bytes(b"x" * 100_000)

    with pytest.raises(BadInput, match=r"no space is left.*--out"):
        write_atomically(tmp_path / "t.txt", fill)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="a part of the path is a file"):
        take_snapshot(every_type(), tmp_path / "file" / "snapshots", source=SOURCE)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where nobody may write")
def test_a_folder_that_nobody_may_write_is_one_sentence():
    with pytest.raises(BadInput, match=r"Cannot write /proc/runs/.*--out"):
        take_snapshot(every_type(), Path("/proc/runs"), source=SOURCE)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_every_refusal_of_the_system_names_path_and_next_step(code):
    message = str(explain_os_error(OSError(code, os.strerror(code)), Path("runs/a")))
    assert message.startswith("Cannot write runs/a: ") and "--out" in message


def test_a_redirected_snapshot_opens_as_the_other_one_and_its_rows_are_gone(tmp_path):
    former = take_snapshot(pd.DataFrame({"id": [1, 2]}), tmp_path, source={})
    once = take_snapshot(pd.DataFrame({"id": [2]}), tmp_path, source={})
    twice = take_snapshot(pd.DataFrame({"id": [3]}), tmp_path, source={})
    redirect_snapshot(former.path, once.digest)
    assert not former.path.exists()
    assert open_snapshot(former.path).digest == once.digest
    redirect_snapshot(once.path, twice.digest)
    assert open_snapshot(former.path).read()["id"].tolist() == [3]


def test_the_same_rows_that_come_again_are_stored_again(tmp_path):
    rows = pd.DataFrame({"id": [1, 2]})
    former = take_snapshot(rows, tmp_path, source={})
    redirect_snapshot(former.path, take_snapshot(rows[:1], tmp_path, source={}).digest)
    assert take_snapshot(rows, tmp_path, source={}).digest == former.digest
    assert open_snapshot(former.path).n_rows == 2

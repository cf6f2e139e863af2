from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.sources.file import FileSource

DEVELOPMENT_TABLES = Path(__file__).parents[4] / "shared" / "data"


def test_a_file_is_read_and_says_what_it_is(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a;b\n1;ü\n2;ö\n".encode("utf-8-sig"))
    source = FileSource(str(path))
    assert source.describe() == {"kind": "file", "location": str(path)}
    assert source.load().to_dict("list") == {"a": [1, 2], "b": ["ü", "ö"]}
    described = source.describe()
    assert (described["delimiter"], described["encoding"], described["n_bytes"]) == (
        "semicolon",
        "utf-8-sig",
        path.stat().st_size,
    )
    assert described["sha256"] == file_digest(path)


def test_the_name_of_a_file_decides_nothing(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_parquet(path)
    assert FileSource(str(path)).load().shape == (2, 2)


def test_the_home_folder_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text("a,b\nx,1\ny,2\n")
    assert len(FileSource("~/t.csv").load()) == 2


def test_a_missing_file_is_named():
    with pytest.raises(BadInput, match=r"no file 'no/such\.csv'.*Check the path"):
        FileSource("no/such.csv").load()


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(BadInput, match="is a folder"):
        FileSource(str(tmp_path)).load()


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n")
    with pytest.raises(BadInput, match="Cannot read"):
        FileSource(str(tmp_path / "t.csv" / "u.csv")).load()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.touch(mode=0o000)
    with pytest.raises(BadInput, match="permissions"):
        FileSource(str(path)).load()


@pytest.mark.parametrize("location", ["~nosuchuser/x", "a\0b", "/dev/zero", "x" * 5_000])
def test_what_is_no_file_is_one_sentence(location):
    with pytest.raises(BadInput, match=r"\w+ "):
        FileSource(location).load()


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(BadInput, match="more than 2 GiB"):
        FileSource(str(path)).load()


def test_the_development_tables_are_read_whole():
    index = DEVELOPMENT_TABLES / "index.json"
    if not index.exists():
        pytest.skip(f"needs the development tables in {DEVELOPMENT_TABLES}")
    for table in json.loads(index.read_text(encoding="utf-8"))["datasets"]:
        frame = FileSource(str(DEVELOPMENT_TABLES / table["file"])).load()
        assert frame.shape == (table["rows"], table["columns"]), table["name"]
        assert int(frame.isna().sum().sum()) == table["missing_cells"], table["name"]

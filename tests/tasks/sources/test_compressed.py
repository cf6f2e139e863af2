"""Compressed files are known by content, and none unpacks beyond the limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources import _compressed
from realmix.tasks.sources._compressed import decompress
from realmix.tasks.sources._table import read_table

TABLE = b"age,bought\n" + b"30,no\n41,yes\n" * 40


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


PACKED = {
    "gzip": gzip.compress(TABLE),
    "bzip2": bz2.compress(TABLE),
    "xz": lzma.compress(TABLE),
    "zstd": pyarrow.compress(TABLE, codec="zstd", asbytes=True),
    "zip": zipped({"t.csv": TABLE}),
}


@pytest.mark.parametrize("name", PACKED)
def test_each_compression_is_known_by_content(name):
    frame, detected = read_table(PACKED[name], "t.csv")
    assert frame.shape == (80, 2) and detected["compression"] == name


@pytest.mark.parametrize("name", PACKED)
def test_what_unpacks_beyond_the_limit_is_refused_while_it_grows(name, monkeypatch):
    monkeypatch.setattr(_compressed, "MAX_FILE_BYTES", 300)
    monkeypatch.setattr(_compressed, "CHUNK_BYTES", 100)
    with pytest.raises(BadInput, match=r"t\.csv \(decompressed\) holds more than"):
        decompress(PACKED[name], "t.csv")


@pytest.mark.parametrize("name", PACKED)
def test_a_file_cut_short_is_damaged(name):
    with pytest.raises(BadInput, match="damaged"):
        read_table(PACKED[name][:-20], "t.csv")


def test_layers_within_layers_are_refused():
    content = TABLE
    for _ in range(1_500):
        content = gzip.compress(content)
    with pytest.raises(BadInput, match="more than 2 times"):
        read_table(content, "t.csv")


def test_an_archive_of_several_files_names_their_number_and_attributes_of_a_mac_are_none():
    with pytest.raises(BadInput, match="ZIP archive of 2 files"):
        read_table(zipped({"a": TABLE, "b": TABLE}), "t.zip")
    assert len(read_table(zipped({"t.csv": TABLE, "__MACOSX/._t.csv": b"x"}), "t.zip")[0]) == 80


def test_an_empty_packed_file_is_empty():
    with pytest.raises(BadInput, match="is empty"):
        read_table(gzip.compress(b""), "t.csv.gz")

"""Small files that would take gigabytes are refused, before or while they grow."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import resource
import zipfile

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import read_card
from realmix.tasks.runtime import memory
from realmix.tasks.sources._table import read_content
from realmix.tasks.study.request import read_plan
from tests.redteam.fuzzing import in_time

# What a study may use in these tests, and what each bomb holds.
MOST, N_BYTES = 1 << 26, 200_000_000
# What was not yet given back, and libraries that are imported only now.
SLACK_BYTES = 1 << 29


def rows() -> bytes:
    return b"name,bought\n" + b"x,yes\n" * (N_BYTES // 6)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", rows())
    return out.getvalue()


def arrow_table() -> pyarrow.Table:
    return pyarrow.table({"x": np.zeros(N_BYTES // 8), "bought": np.zeros(N_BYTES // 8, dtype="int8")})


def ipc() -> bytes:
    out = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    table = arrow_table()
    with pyarrow.ipc.new_file(out, table.schema, options=options) as file:
        file.write_table(table)
    return out.getvalue()


def parquet(values: pyarrow.Array) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"x": values, "bought": values}), out, compression="zstd")
    return out.getvalue()


def feather() -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(arrow_table(), out, compression="zstd")
    return out.getvalue()


BOMBS = {
    "gzip": lambda: gzip.compress(rows(), 1),
    "gzip in gzip": lambda: gzip.compress(gzip.compress(rows(), 1)),
    "bzip2": lambda: bz2.compress(rows()[: N_BYTES // 40]) * 40,
    "XZ": lambda: lzma.compress(rows(), preset=0),
    "ZIP": zipped,
    "Zstandard": lambda: pyarrow.compress(rows(), codec="zstd", asbytes=True),
    "Arrow": ipc,
    "Feather": feather,
    "Parquet of zeros": lambda: parquet(pyarrow.array(np.zeros(N_BYTES // 8))),
    "Parquet of one long text": lambda: parquet(pyarrow.array(["x" * 1_000_000] * 200).dictionary_encode()),
    "a cell without end": lambda: gzip.compress(b'name,bought\n"' + b"x" * N_BYTES, 1),
    "a header without end": lambda: gzip.compress(b"a," * (N_BYTES // 20) + b"b\n" + b"1,2\n" * 80, 1),
    "JSON lines of ever new keys": lambda: "\n".join(
        json.dumps({f"k{i}": 1}) for i in range(50_000)
    ).encode(),
    "a JSON line without end": lambda: gzip.compress(b'{"name": "' + b"x" * N_BYTES + b'"}\n', 1),
    "JSON within JSON": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_that_unpacks_to_more_than_a_study_may_use_is_refused(bomb, monkeypatch):
    content = BOMBS[bomb]()
    assert len(content) < 20_000_000
    monkeypatch.setattr(memory, "usable_bytes", lambda: MOST)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with in_time(), pytest.raises(BadInput):
        read_content(content, "t.csv")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST + SLACK_BYTES


DOCUMENTS = {
    "aliases of aliases": "a: &a [x,x]\n" + "".join(f"{c}: &{c} [{','.join([f'*{b}'] * 9)}]\n" for b, c in zip("abcdefghi", "bcdefghij", strict=True)),
    "depth": "target: " + "[" * 200_000,
    "flow depth": "{a: " * 50_000,
    "length": "target: y\n# " + "x" * 5_000_000,
    "merge keys": "a: &a {x: 1}\nb: {<<: [" + ",".join(["*a"] * 5_000) + "]}\n",
    "one long number": "target: " + "9" * 900_000 + "\n",
}  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_card_that_would_take_all_memory_or_time_is_refused(document, tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text(DOCUMENTS[document])
    with in_time(), pytest.raises(BadInput):
        read_card(path)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 200_000, '{"seed": ' + "9" * 1_000_000 + "}", "[" + "0," * 10_000_000]
)
def test_a_plan_that_would_take_all_memory_or_time_is_refused(text, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with in_time(), pytest.raises(BadInput):
        read_plan(path)

"""Files with typed columns are read within a limit that holds while they unpack."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources import _compressed
from realmix.tasks.sources._table import read_table

TABLE = pyarrow.table({"age": [30, 41], "bought": ["no", "yes"]})


def written(table: pyarrow.Table, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "parquet":
        pyarrow.parquet.write_table(table, out)
    else:
        pyarrow.feather.write_feather(table, out, version=2 if kind == "arrow" else 1)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_each_format_gives_the_same_table(kind):
    content = written(TABLE, kind)
    frame, detected = read_table(content, "t")
    assert frame.to_dict("list") == {"age": [30, 41], "bought": ["no", "yes"]}
    assert detected["format"] == kind and detected["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_value_repeated_in_every_row_is_refused_before_it_fills_the_memory(kind, monkeypatch):
    content = written(pyarrow.table({"a": ["x" * 10_000] * 20_000}), kind)
    monkeypatch.setattr(_compressed, "MAX_FILE_BYTES", 50_000_000)
    assert len(content) < 5_000_000
    with pytest.raises(BadInput, match=r"t \(decompressed\) holds more than"):
        read_table(content, "t")


UNREADABLE = {
    "text that is no UTF-8": pyarrow.table({"a": pyarrow.array([b"\xff\xfe", b"ok"], pyarrow.binary())}),
    "half precision": pyarrow.table({"a": np.array([1.5, 2.5], np.float16)}),
    "the largest unsigned number": pyarrow.table({"a": np.array([2**64 - 1, 1], np.uint64)}),
    "a very large number": pyarrow.table({"a": [1e300, 1.0]}),
    "the year 9999": pyarrow.table({"a": pyarrow.array([253402214400000000, 0], pyarrow.timestamp("us"))}),
    "a time zone that nobody has": pyarrow.table(
        {"a": pyarrow.array([0, 1], pyarrow.timestamp("us", "No/Where"))}
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_odd_values_are_a_table_or_one_sentence(case):
    try:
        frame, _ = read_table(written(UNREADABLE[case], "parquet"), "t.parquet")
    except BadInput as err:
        assert "t.parquet" in str(err)
        return
    assert len(frame) == 2

"""An object below the prefix is a batch once, whatever lies beside it."""

from __future__ import annotations

from typing import Any

import pytest

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.landing.s3 import read_prefix

CSV = b"age,bought\n30,no\n41,yes\n"


def put(bucket: Any, prefix: str, **objects: bytes) -> None:
    for key, content in objects.items():
        bucket.put_object(Bucket="tables", Key=f"{prefix}/{key}", Body=content)


def read(prefix: str, cursor: Any = None) -> list[Landed]:
    return list(read_prefix(f"s3://tables/{prefix}", Operation(), cursor))


def names(steps: list[Landed]) -> list[str]:
    return [landed.name for landed in steps if landed.name]


def test_objects_below_the_prefix_are_read_once(bucket):
    put(bucket, "first", **{"a.csv": CSV, "day=2/b.csv": CSV, "_SUCCESS": b"", ".c.csv": CSV})
    put(bucket, "first-but-another", **{"d.csv": CSV})
    steps = read("first")
    assert sorted(names(steps)) == ["tables/first/a.csv", "tables/first/day=2/b.csv"]
    assert all(landed.rows.cells.shape == (2, 2) for landed in steps)
    assert read("first", steps[-1].cursor) == []


def test_an_object_written_anew_is_read_again_and_a_lost_one_forgotten(bucket):
    put(bucket, "second", **{"a.csv": CSV, "b.csv": CSV})
    cursor = read("second")[-1].cursor
    put(bucket, "second", **{"a.csv": CSV + b"52,no\n"})
    bucket.delete_object(Bucket="tables", Key="second/b.csv")
    steps = read("second", cursor)
    assert names(steps) == ["tables/second/a.csv"] and steps[-1].rows.cells.num_rows == 3
    assert list(steps[-1].cursor) == ["tables/second/a.csv"]


def test_an_object_that_is_no_table_is_told_with_its_reason(bucket):
    put(bucket, "third", **{"a.csv": b"", "b.csv": CSV})
    steps = read("third")
    assert [landed.rows is None for landed in steps] == [True, False]
    assert "0 bytes" in str(steps[0].refusal)


def test_an_empty_prefix_holds_nothing(bucket):
    assert read("empty") == []


def test_a_store_that_does_not_answer_is_one_sentence(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BadInput, match="does not answer"):
        read("first")

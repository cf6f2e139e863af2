from __future__ import annotations

import hashlib

import pytest

from realmix.tasks.landing._files import is_batch_name, read_batch


@pytest.mark.parametrize(
    "name", ["june.csv", "a folder/june.csv.gz", "day=1/part-0.parquet", "tmp", "a.partial"]
)
def test_a_plain_file_is_a_batch(name):
    assert is_batch_name(name)


@pytest.mark.parametrize(
    "name",
    [".june.csv", "day=1/.june.csv", ".day/june.csv", "june.csv.tmp", "june.csv.part", "june.csv~", "_SUCCESS",
     "_temporary/0/june.csv", "day=1/_SUCCESS", "june._SUCCESS"],
)  # fmt: skip
def test_what_is_hidden_unfinished_or_a_marker_is_none(name):
    assert not is_batch_name(name)


def test_a_batch_holds_its_rows_and_how_far_the_place_is_then_read():
    landed = read_batch(b"age,y\n30,no\n41,yes\n", "june.csv", 7, {"location": "incoming"})
    assert landed.rows.cells.to_pydict() == {"age": ["30", "41"], "y": ["no", "yes"]}
    assert (landed.cursor, landed.name, landed.refusal) == (7, "june.csv", None)
    assert landed.source["location"] == "incoming" and len(landed.source) > 1


@pytest.mark.parametrize("content", [b"", b"\0\1\2\3" * 100, b"age,y\n"])
def test_what_is_no_table_is_a_refusal_with_the_hash_of_its_name_and_bytes(content):
    landed = read_batch(content, "june.csv", 7, {})
    assert landed.rows is None and landed.refusal
    assert landed.fingerprint == hashlib.sha256(b"june.csv\n" + content).hexdigest() and landed.cursor == 7

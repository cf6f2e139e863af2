"""JSON lines are read with the digits that they write."""

from __future__ import annotations

import json

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.limits import MAX_COLUMNS
from realmix.tasks.sources import _json_lines
from realmix.tasks.sources._delimited import read_text


def test_numbers_keep_their_digits_and_missing_keys_are_nothing():
    text = b'{"id": "007", "x": 1.50, "n": 12345678901234567890}\n\n{"id": "8", "late": true, "x": null}\n'
    table = read_text(text, "t.jsonl")
    assert table.cells.to_pydict() == {
        "id": ["007", "8"],
        "x": ["1.50", None],
        "n": ["12345678901234567890", None],
        "late": [None, "true"],
    }
    assert table.lines.tolist() == [1, 3] and table.detected["format"] == "jsonl"


def test_lists_and_objects_are_said_and_stay_text():
    table = read_text(b'{"a": "x", "tags": [1, "b"]}\n{"a": "y", "tags": {"c": 2.0}}\n', "t.jsonl")
    assert table.cells["tags"].to_pylist() == ['[1, "b"]', '{"c": 2.0}']
    assert table.notes == ("'tags' holds lists or objects (first line 1): read as text",)


BAD = {
    "a line that is no object": (b'{"a": 1}\n[1, 2]\n', "line 2"),
    "a key twice": (b'{"a": 1, "a": 2}\n', "line 1"),
    "cut short": (b'{"a": 1}\n{"a": ', "line 2"),
    "nested very deep": (b'{"a": ' + b"[" * 100_000 + b"\n", "line 1"),
    "one list": (b'[{"a": 1}, {"a": 2}]', "one JSON list"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_json_line_is_refused_by_its_line(case):
    content, words = BAD[case]
    with pytest.raises(BadInput, match=words):
        read_text(content, "t.jsonl")


def test_too_many_keys_and_too_many_lines_are_refused(monkeypatch):
    line = json.dumps({f"k{i}": i for i in range(MAX_COLUMNS + 1)}).encode()
    with pytest.raises(BadInput, match=r"t.jsonl has 2,001 columns; at most 2,000"):
        read_text(line, "t.jsonl")
    seen = []
    monkeypatch.setattr(_json_lines, "check_table_fits", lambda *shape: seen.append(shape))
    read_text(b'{"a": 1}\n' * 5 + b'{"b": 1}', "t.jsonl")
    assert seen == [(6, 1, "t.jsonl"), (6, 2, "t.jsonl")]

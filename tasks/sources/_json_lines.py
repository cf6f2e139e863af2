"""Read JSON lines: one object a line, each key a column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._plain import check_column_names


def is_json_lines(text: bytes) -> bool:
    """Return whether a text begins like JSON, not like a table of delimited cells."""
    start = text[:1000].lstrip()
    return start.startswith((b'{"', b"{}")) or (
        start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"[")
    )


def read_json_lines(text: bytes, where: str, detected: dict[str, Any]) -> TextTable:
    r"""Read one object a line; numbers keep the digits that the file writes.

    Parameters
    ----------
    text : bytes
        UTF-8.
    where : str
        Name of the file, for messages.
    detected : dict
        What is known of the file's encoding.

    Returns
    -------
    TextTable
        Columns in the order in which their keys first occur; null where a key is missing or ``null``.
        Objects and lists stay JSON text, with a note.

    Raises
    ------
    BadInput
        If a line is no object, an object has a key twice, or there are too many keys or lines.

    Examples
    --------
    >>> table = read_json_lines(b'{"id": "007", "x": 1.50}\n{"id": "8", "y": true}', "t.jsonl", {})
    >>> table.cells.to_pydict()
    {'id': ['007', '8'], 'x': ['1.50', None], 'y': [None, 'true']}
    """
    if text.lstrip().startswith(b"["):
        raise BadInput(
            f"{where} is one JSON list; expected JSON lines. Write each row as one object on its own line."
        )
    columns: dict[str, list[str | None]] = {}
    lines: list[int] = []
    n_lines = text.count(b"\n") + 1
    nested: dict[str, int] = {}
    for line, row in _objects(text, where):
        for key, value in row.items():
            if key not in columns:
                check_table_fits(n_lines, len(columns) + 1, where)
                columns[key] = [None] * len(lines)
            if isinstance(value, dict | list):
                nested.setdefault(key, line)
            columns[key].append(_as_text(value))
        lines.append(line)
        if len(row) < len(columns):
            for cells in columns.values():
                if len(cells) < len(lines):
                    cells.append(None)
    check_column_names(list(columns), where)
    if len(columns) == 1:
        raise BadInput(
            f"{where} has one column only: every object has the one key. Expected a target and at least one "
            "feature. Check the file."
        )
    notes = tuple(
        f"'{name}' holds lists or objects (first line {line:,}): read as text"
        for name, line in nested.items()
    )
    cells = pyarrow.table({name: pyarrow.array(values, pyarrow.string()) for name, values in columns.items()})
    return TextTable(cells, np.array(lines, dtype=np.int64), notes, {"format": "jsonl", **detected})


def _objects(text: bytes, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_once, parse_int=_Number, parse_float=_Number, parse_constant=_Number
    )
    for number, line in enumerate(text.decode().split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
            if "\\u" in line:
                json.dumps(
                    row, ensure_ascii=False
                ).encode()  # half a letter, as \ud800 alone, cannot be written
        except (ValueError, RecursionError) as err:
            raise BadInput(
                f"{where}: line {number:,} is no JSON object with each key once, or holds half a letter; expected one object a line "
                "(JSON lines). Correct it, and write an object without line breaks."
            ) from err
        if not isinstance(row, dict) or not row:
            raise BadInput(
                f"{where}: line {number:,} is no JSON object with a key; expected one object a line."
            )
        yield number, row


class _Number(str):
    """Digits of a number, as the file writes them."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key occurs twice")
    return row


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _as_json(value)


def _as_json(value: Any) -> str:
    """Write a value as JSON; numbers keep their digits."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)}: {_as_json(cell)}' for key, cell in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_json, value))}]"
    return json.dumps(value, ensure_ascii=False)

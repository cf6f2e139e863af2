"""Write the cells of one sheet of a workbook as comma-separated text: a program of its own, with a limit of memory.

A workbook of some kilobytes may hold gigabytes (a stray cell far away, one text in a million cells), and the library
that reads it ends its process where memory runs out. So no other program imports this file: it is run as
``python -P _sheet_cells.py MAX_BYTES SHEET``, reads the workbook from standard input, and imports nothing of ours.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import resource
import sys
from typing import Any

# Of the processor: a thousand times what the largest sheet of a study takes is still no reason to wait longer.
MAX_SECONDS = 600
# Beyond it a float does not hold every whole number.
MAX_EXACT = 2**53


def main() -> None:
    """Write one line of JSON (names of all sheets and of those with cells, and what was chosen), then the text."""
    max_bytes, asked = int(sys.argv[1]), json.loads(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    import python_calamine

    try:
        book = python_calamine.load_workbook(io.BytesIO(sys.stdin.buffer.read()))
        names = book.sheet_names
        sheets = {name: book.get_sheet_by_name(name) for name in names if asked in (None, name)}
    # Whatever its library says of a damaged file; it may also panic, which is no Exception.
    except BaseException as err:
        if isinstance(err, MemoryError):
            raise
        say({"problem": type(err).__name__})
        return
    filled = [name for name, sheet in sheets.items() if sheet.height]
    found: dict[str, Any] = {"names": names, "filled": filled}
    if len(filled) != 1:
        say(found)
        return
    text, starts = as_csv(sheets[filled[0]].to_python(skip_empty_area=False))
    say({**found, "starts": starts}, text)


def say(found: dict[str, Any], text: str = "") -> None:
    """Write one line of JSON, then a text, for the process that waits for them."""
    sys.stdout.buffer.write(f"{json.dumps(found)}\n{text}".encode())


def as_csv(rows: list[list[Any]]) -> tuple[str, list[int]]:
    """Write rows as text; return it with the line on which each row begins, from 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    starts, line = [], 1
    for row in rows:
        cells = [as_text(cell) for cell in row]
        if any(cells):
            writer.writerow(cells)
        else:
            out.write("\n")
        starts.append(line)
        line += 1 + sum(cell.count("\n") for cell in cells)
    return out.getvalue(), starts


def as_text(cell: Any) -> str:
    """Write a cell as the shortest text that means the same.

    Examples
    --------
    >>> as_text(3.0), as_text(0.1), as_text(datetime.datetime(2026, 1, 5))
    ('3', '0.1', '2026-01-05')
    """
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < MAX_EXACT:
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell).replace("\r\n", "\n").replace("\r", "\n")


if __name__ == "__main__":
    main()

"""Read the bytes of a text table as the cells that it writes; what they mean is decided later."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow
import pyarrow.compute as pc
import pyarrow.csv

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._compressed import is_workbook
from realmix.tasks.sources._encoding import to_utf8
from realmix.tasks.sources._json_lines import is_json_lines, read_json_lines
from realmix.tasks.sources._layout import (
    DELIMITERS,
    MAX_CELL_CHARACTERS,
    Layout,
    Record,
    find_layout,
    is_quoted_whole,
    iterate_records,
)
from realmix.tasks.sources._workbook import sheet_as_csv

OTHER_FORMATS = (
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database (use sql:TABLE for it)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)
BLOCK_BYTES = 1 << 24
MAX_FOOTER_LINES = 10


def read_text(content: bytes, where: str, sheet: str | None = None) -> TextTable:
    r"""Read a text table, exactly as it is written.

    Parameters
    ----------
    content : bytes
        CSV in any dialect, JSON lines or a workbook.
    where : str
        Name of the file, for messages.
    sheet : str, optional
        Of a workbook of several sheets.

    Returns
    -------
    TextTable
        With one note for each thing that was read past. Line ends within a cell are ``\n``.

    Raises
    ------
    BadInput
        If the bytes are empty, binary, cannot be decoded, have no header, ragged rows
        or duplicate column names. Messages give line numbers, never cells.

    Examples
    --------
    >>> table = read_text(b"sep=;\nage;bought\n030;no\n41;\n", "example.csv")
    >>> table.cells.to_pydict(), table.lines.tolist(), table.notes
    ({'age': ['030', '41'], 'bought': ['no', None]}, [3, 4], ('line 1 names the delimiter (semicolon)',))
    """
    if is_workbook(content):
        text, starts, name = sheet_as_csv(content, where, sheet)
        table = _read_delimited(text, f"{where}, sheet '{name}'", delimiter=",")
        rows = np.searchsorted(starts, table.lines, side="right")
        return TextTable(table.cells, rows, table.notes, {"format": "workbook", "sheet": name})
    if not content:
        raise BadInput(f"{where} is empty (0 bytes); expected a table with a header. Check the file.")
    if sheet is not None:
        raise BadInput(f"{where} is no workbook and has no sheet '{sheet}'. Leave out what stands after '#'.")
    other = next((name for magic, name in OTHER_FORMATS if content.startswith(magic)), None)
    if other:
        raise BadInput(
            f"{where} is {other}; expected CSV, a workbook or Parquet. Export the table as one of these."
        )
    text, detected = to_utf8(content, where)
    del content
    if is_json_lines(text):
        return read_json_lines(text, where, detected)
    table = _read_delimited(text, where)
    return TextTable(table.cells, table.lines, table.notes, {"format": "csv", **detected, **table.detected})


def _read_delimited(text: bytes, where: str, delimiter: str | None = None) -> TextTable:
    if not text.endswith(b"\n"):
        text += b"\n"
    notes: list[str] = []
    if delimiter is None and is_quoted_whole(text):
        text = re.sub(rb'(?m)^"(.*)"$', lambda match: match[1].replace(b'""', b'"'), text)
        notes.append("every line is quoted as a whole")
    if delimiter is None and b'\\"' in text and _escapes_quotes(text, where):
        text = _without_escapes(text)
        notes.append("quotes within cells are escaped with a backslash")
    layout = find_layout(text, where, delimiter)
    check_table_fits(text.count(b"\n") - 1, len(layout.names), where)
    text = _blank_before(_close_up(text, layout.delimiter), layout.body_line)
    if text.count(b'"') % 2:
        _check_closed(text, layout, where)
    cells = _parse(text, layout)
    if cells is None:
        text, past = _blank_ragged(text, layout, where)
        notes += past
        cells = _parse(text, layout)
    if cells is None or not cells.num_rows:
        raise BadInput(f"{where} holds no rows, only column names; expected at least 60 rows. Add the data.")
    lines = _row_lines(text, layout, cells.num_rows, where)
    cells, lines, repeated = _without_repeated_headers(_named(cells, lines, layout, where), lines, layout)
    detected = {
        "delimiter": DELIMITERS.get(layout.delimiter, layout.delimiter),
        "header": f"line {layout.header_line}",
    }
    return TextTable(cells, lines, (*notes, *layout.notes, *repeated), detected)


def _escapes_quotes(text: bytes, where: str) -> bool:
    r"""Return whether ``\"`` is a quotation mark within a cell: only then are all records regular.

    Raises
    ------
    BadInput
        If neither reading is regular.
    """
    widths = _widths(text)
    if any(map(_is_one, widths)):
        return False
    if any(map(_is_one, _widths(_without_escapes(text)))):
        return True
    if any(widths):
        return False  # the quotes are well formed: the rows are ragged for another reason
    line = text.count(b"\n", 0, text.index(b'\\"')) + 1
    raise BadInput(
        f"{where}: quotes are escaped with a backslash (line {line:,}), and the rows are ragged with and without "
        "it. Double the quotation marks within cells, and quote cells that hold the delimiter."
    )


def _widths(text: bytes) -> list[set[int]]:
    """Return the widths of the records for each delimiter; none where text follows a closing quote."""
    decoded, found = text.decode(), []
    for delimiter in DELIMITERS:
        try:
            records = iterate_records(decoded, delimiter, strict=True)
            found.append({len(record.fields) for record in records})
        except csv.Error:
            found.append(set())
    return found


def _is_one(widths: set[int]) -> bool:
    """Return whether all rows have one width; comments and titles have one field."""
    return len(widths - {1}) == 1


def _without_escapes(text: bytes) -> bytes:
    r"""Double the quotes that a backslash escapes; before any other letter a backslash stays, as in ``\N``."""
    return re.sub(rb'\\(["\\])', lambda match: b'""' if match[1] == b'"' else match[1], text)


def _close_up(text: bytes, delimiter: str) -> bytes:
    """Remove blanks between a delimiter and a quotation mark that opens a cell."""
    if b' "' not in text:
        return text
    opening = re.compile(rb'((?:^|%s)) +"' % re.escape(delimiter.encode()), re.MULTILINE)
    if not opening.search(text):
        return text
    is_quoted = np.logical_xor.accumulate(np.frombuffer(text, np.uint8) == ord('"'))
    return opening.sub(lambda match: match[0] if is_quoted[match.start()] else match[1] + b'"', text)


def _blank_before(text: bytes, line: int) -> bytes:
    """Empty all lines before `line`: what comes after keeps its number."""
    start = 0
    for _ in range(line - 1):
        start = text.index(b"\n", start) + 1
    return b"\n" * (line - 1) + text[start:]


def _blank_ragged(text: bytes, layout: Layout, where: str) -> tuple[bytes, list[str]]:
    """Empty lines that are clearly no rows (blanks, comments, a footer), and refuse others of another width."""
    ragged = _ragged(text, layout, where)
    comments = [record for record in ragged if record.fields[0].startswith("#")]
    rest = [r for r in ragged if r not in comments and "".join(r.fields).strip()]
    footer = _footer(text, rest)
    if rest and not footer:
        raise _ragged_rows(rest, layout, where)
    notes = [f"{_count(comments)} with #: comments"] if comments else []
    notes += [f"{_count(footer)} after the last row: a footer"] if footer else []
    lines = text.split(b"\n")
    for record in ragged:
        lines[record.line - 1 : record.last_line] = [b""] * (record.last_line - record.line + 1)
    return b"\n".join(lines), notes


def _count(records: Sequence[Record]) -> str:
    plural = "s" if len(records) > 1 else ""
    return f"{len(records):,} line{plural} (first line {records[0].line:,})"


def _footer(text: bytes, ragged: Sequence[Record]) -> list[Record]:
    """Return the records of one field after a blank line at the end; they are all that is ragged, or there is none."""
    if not 0 < len(ragged) <= MAX_FOOTER_LINES or any(len(record.fields) > 1 for record in ragged):
        return []
    lines = text.split(b"\n")
    first = ragged[0].line
    is_last = not any(line.strip() for line in lines[ragged[-1].last_line :])
    n_lines = sum(bool(line.strip()) for line in lines[first - 1 :])
    return list(ragged) if is_last and n_lines == len(ragged) and not lines[first - 2].strip() else []


def _ragged_rows(ragged: Sequence[Record], layout: Layout, where: str) -> BadInput:
    line, found = ragged[0].line, len(ragged[0].fields)
    return BadInput(
        f"{where}: ragged rows: line {line:,} has {found} fields where the header has {layout.n_fields} "
        f"({len(ragged):,} such lines, delimiter {DELIMITERS.get(layout.delimiter, layout.delimiter)}). "
        "Correct these lines, and quote cells that hold the delimiter."
    )


def _ragged(text: bytes, layout: Layout, where: str) -> list[Record]:
    ragged = [record for record in _records(text, layout, where) if len(record.fields) != layout.n_fields]
    if ragged:
        _check_closed(text, layout, where)
    return ragged


def _records(text: bytes, layout: Layout, where: str) -> Iterator[Record]:
    """Yield all records, and refuse a cell that is too large: most often its quotation mark never closes."""
    line = layout.body_line - 1
    try:
        for record in iterate_records(text.decode(), layout.delimiter):
            line = record.last_line
            yield record
    except csv.Error as err:
        raise BadInput(
            f"{where}: a cell near line {line + 1:,} has more than {MAX_CELL_CHARACTERS:,} characters: a quotation "
            "mark that opens there may never be closed. Close it, or double the mark where it belongs to the text."
        ) from err


def _check_closed(text: bytes, layout: Layout, where: str) -> None:
    """Refuse a quotation mark that never closes: the last record then takes all lines behind it."""
    (last,) = deque(_records(text, layout, where), maxlen=1)
    lines = text.decode().split("\n")[last.line - 1 : last.last_line]
    try:
        list(iterate_records("\n".join(lines), layout.delimiter, strict=True))
    except csv.Error as err:
        if "end of data" in str(err):
            raise BadInput(
                f"{where}: a quotation mark opened near line {last.line:,} is never closed. "
                "Close it, or double the mark where it belongs to the text."
            ) from err


def _parse(text: bytes, layout: Layout) -> pyarrow.Table | None:
    """Return the cells of all rows, or None if the rows have several widths."""
    ragged = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.actual_columns)
        return "skip"

    names = [str(i) for i in range(layout.n_fields)]
    parse_options = pyarrow.csv.ParseOptions(
        delimiter=layout.delimiter, newlines_in_values=b'"' in text, invalid_row_handler=skip
    )
    convert_options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.string()),
        check_utf8=False,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    # A row longer than a block cannot be read: then the text is one block.
    for block_bytes in (BLOCK_BYTES, len(text) + 1):
        read_options = pyarrow.csv.ReadOptions(column_names=names, block_size=min(block_bytes, (1 << 31) - 1))
        try:
            table = pyarrow.csv.read_csv(
                pyarrow.BufferReader(text),
                read_options=read_options,
                parse_options=parse_options,
                convert_options=convert_options,
            )
            return None if ragged else table
        except pyarrow.ArrowInvalid:
            ragged.clear()
    return None


def _named(cells: pyarrow.Table, lines: np.ndarray, layout: Layout, where: str) -> pyarrow.Table:
    """Name the columns as the header does, without the empty one behind a delimiter at the end of each row."""
    n_names = len(layout.names)
    if layout.n_fields > n_names:
        is_filled = cells.column(n_names).is_valid().to_numpy()
        if is_filled.any():
            raise BadInput(
                f"{where}: ragged rows: line {lines[is_filled.argmax()]:,} has {layout.n_fields} fields where the "
                f"header has {n_names}. Name all columns in line {layout.header_line:,}, or correct the rows."
            )
    names = [name or f"Unnamed: {i}" for i, name in enumerate(layout.names)]
    return cells.select(range(n_names)).rename_columns(names)


def _row_lines(text: bytes, layout: Layout, n_rows: int, where: str) -> np.ndarray:
    """Return the lines on which rows begin: those that are not blank and do not begin within quotes."""
    codes = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    is_odd = np.logical_xor.reduceat(codes == ord('"'), starts)
    is_quoted = np.concatenate([[False], np.logical_xor.accumulate(is_odd)[:-1]])
    lines = np.flatnonzero((ends > starts) & ~is_quoted) + 1
    if len(lines) == n_rows:
        return lines
    # Quotation marks within cells that are not quoted.
    return np.array([record.line for record in _records(text, layout, where)], dtype=np.int64)


def _without_repeated_headers(
    cells: pyarrow.Table, lines: np.ndarray, layout: Layout
) -> tuple[pyarrow.Table, np.ndarray, list[str]]:
    """Leave out the header where it stands again, as in exports that were joined, and empty rows at the end."""
    again = np.full(cells.num_rows, layout.has_text_over_numbers)
    for column, name in zip(cells.columns, layout.names, strict=True):
        if again.any():
            again &= pc.fill_null(pc.equal(column, name), not name).to_numpy()
    is_empty = ~np.logical_or.accumulate(~_is_empty(cells)[::-1])[::-1]
    notes = []
    if again.any():
        notes.append(f"the header stands again in {again.sum():,} lines (first line {lines[again][0]:,})")
    if is_empty.any():
        notes.append(
            f"{is_empty.sum():,} rows without any cell at the end (from line {lines[is_empty][0]:,})"
        )
    if not notes:
        return cells, lines, notes
    keep = ~again & ~is_empty
    return cells.filter(keep), lines[keep], notes


def _is_empty(cells: pyarrow.Table) -> np.ndarray:
    is_empty = np.ones(cells.num_rows, dtype=bool)
    for column in cells.columns:
        if is_empty.any():
            is_empty &= column.is_null().to_numpy()
    return is_empty

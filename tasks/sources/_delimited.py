"""Parse the bytes of a CSV or CSV.gz table into text cells; its format is detected by content, and reported."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._plain import check_column_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE_BYTES = 1 << 20
SAMPLE_RECORDS = 200
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
OTHER_FORMATS = (
    (b"PK\x03\x04", "a ZIP archive or Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database (use sql:TABLE for it)"),
    (b"ARROW1", "a Feather file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\xfd7zXZ", "an XZ file"),
)
CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13})


def read_text(content: bytes, where: str) -> TextTable:
    r"""Read a text table, exactly as it is written.

    Parameters
    ----------
    content : bytes
        CSV, or CSV compressed with gzip.
    where : str
        Name of the file, for messages.

    Raises
    ------
    BadInput
        If the bytes are empty, binary, cannot be decoded, have no header, ragged rows or
        duplicate column names. Messages give line numbers, never cells.

    Examples
    --------
    >>> table = read_text(b"age;bought\n030;no\n41;\n", "example.csv")
    >>> table.cells.to_pydict(), table.lines.tolist()
    ({'age': ['030', '41'], 'bought': ['no', None]}, [2, 3])
    """
    if not content:
        raise BadInput(f"{where} is empty (0 bytes); expected a table with a header. Check the file.")
    if content.startswith(b"\x1f\x8b"):
        table = read_text(_decompress(content, where), f"{where} (decompressed)")
        return dataclasses.replace(table, detected={**table.detected, "compression": "gzip"})
    other = next((name for magic, name in OTHER_FORMATS if content.startswith(magic)), None)
    if other:
        raise BadInput(
            f"{where} is {other}; expected CSV, CSV.gz or Parquet. Export the table as one of these."
        )
    text, detected = _to_utf8(content, where)
    return _read_delimited(text, detected, where)


def _decompress(content: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as err:
        raise BadInput(
            f"{where} starts like a gzip file but cannot be decompressed ({len(content):,} bytes): "
            "it is damaged or cut short. Write or download it again."
        ) from err


def _binary(where: str) -> BadInput:
    return BadInput(
        f"{where} is binary, not text; expected CSV, CSV.gz or Parquet. "
        "Check that this is the table, and export it as one of these."
    )


def _to_utf8(content: bytes, where: str) -> tuple[bytes, dict[str, Any]]:
    r"""Convert a text to UTF-8 with ``\n`` line ends, and report its encoding."""
    encoding, guessed = _detect_encoding(content, where)
    text = _decode(content, encoding, where)
    if "\0" in text:
        raise _binary(where)
    if "\r" in text:
        # A bare carriage return within a line can send pandas' parser into an endless loop.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadInput(f"{where} holds only blanks; expected a table with a header. Check the file.")
    detected: dict[str, Any] = {"format": "csv", "encoding": encoding}
    if guessed:
        detected["encoding_note"] = f"not UTF-8: {encoding} is a guess; save as UTF-8 if letters look wrong"
    return text.encode("utf-8"), detected


def _detect_encoding(content: bytes, where: str) -> tuple[str, bool]:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding, False
    sample = content[:SAMPLE_BYTES]
    if b"\0" in sample:
        return _utf16_without_mark(sample, where), True
    try:
        content.decode("utf-8")
        return "utf-8", False
    except UnicodeDecodeError:
        pass
    if len(sample) - len(sample.translate(None, CONTROL_BYTES)) > 0.005 * len(sample):
        raise _binary(where)
    if _is_broken_utf8(content):
        return "utf-8", False
    return _guess_single_byte(content), True


def _utf16_without_mark(sample: bytes, where: str) -> str:
    """Recognize UTF-16 without mark: every other byte of Western text is zero, else the file is binary."""
    codes = np.frombuffer(sample, np.uint8)
    even, odd = (codes[::2] == 0).mean(), (codes[1::2] == 0).mean() if len(codes) > 1 else 0
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    if even > 0.4 and odd < 0.05:
        return "utf-16-be"
    raise _binary(where)


def _is_broken_utf8(content: bytes) -> bool:
    """Return whether the bytes are UTF-8 with a few wrong ones: another encoding would hide the damage."""
    text = content.decode("utf-8", errors="surrogateescape")
    letters = re.findall("[^\x00-\x7f]", text)
    bad = sum("\udc80" <= letter <= "\udcff" for letter in letters)
    return len(letters) - bad > bad


def _guess_single_byte(content: bytes) -> str:
    import charset_normalizer

    lines = itertools.islice((ln for ln in content.splitlines() if not ln.isascii()), 500)
    matches = charset_normalizer.from_bytes(b"\n".join(lines)[: SAMPLE_BYTES // 16])
    likely = {name for match in matches for name in match.could_be_from_charset}
    best = matches.best()
    # Western Windows text is by far the most frequent; similar encodings differ in rare letters.
    names = ["cp1252"] if "cp1252" in likely else [best.encoding] if best else []
    return next((name for name in names if _decodes(content, name)), "latin-1")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode(content: bytes, encoding: str, where: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as err:
        line = bytes(err.object[: err.start]).decode(encoding, errors="ignore").count("\n") + 1
        raise BadInput(
            f"{where}: wrong encoding: the file is {encoding} but line {line:,} holds bytes that "
            f"are not. Save the whole file as UTF-8."
        ) from err


def _read_delimited(text: bytes, detected: dict[str, Any], where: str) -> TextTable:
    text = text.strip(b"\n\r") + b"\n"
    sample = _sample(text)
    delimiter = _detect_delimiter(sample, where)
    records = _records(sample, delimiter)
    _check_header(records, where)
    _check_fields_per_line(text, delimiter, len(records[0]), where)
    check_table_fits(text.count(b"\n") - 1, len(records[0]), where)
    detected |= {"delimiter": DELIMITERS[delimiter], "header": "line 1"}
    cells = _parse(text, delimiter, where)
    return TextTable(cells, np.arange(2, cells.num_rows + 2), detected=detected)


def _sample(text: bytes) -> str:
    """Return the first complete lines."""
    head = text[:SAMPLE_BYTES]
    if len(text) > SAMPLE_BYTES and b"\n" in head:
        head = head[: head.rindex(b"\n")]
    return head.decode("utf-8", errors="ignore")


def _records(sample: str, delimiter: str, limit: int = SAMPLE_RECORDS) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        return list(itertools.islice((record for record in reader if record), limit))
    except csv.Error:
        # A cell beyond the csv module's limit: the delimiter is wrong or a quote never closes.
        return []


def _detect_delimiter(sample: str, where: str) -> str:
    """Find the delimiter whose most frequent number of fields is the most regular, then the largest."""

    def regularity(delimiter: str) -> tuple[float, int]:
        lengths = Counter(len(record) for record in _records(sample, delimiter))
        n_fields, n_lines = lengths.most_common(1)[0] if lengths else (1, 0)
        return (n_lines / lengths.total(), n_fields) if n_fields > 1 else (0.0, n_fields)

    best = max(DELIMITERS, key=regularity)
    if regularity(best)[1] < 2:
        raise BadInput(
            f"{where} has one column only: no comma, semicolon, tab or pipe separates fields. "
            "Expected a target and at least one feature. Check the file and its delimiter."
        )
    return best


def _check_header(records: list[list[str]], where: str) -> None:
    header, body = records[0], records[1:]
    if not body:
        raise BadInput(f"{where} holds a single line; expected a header and at least 60 rows. Add the data.")
    check_column_names(header, where)
    columns = [[record[i] for record in body if i < len(record)] for i in range(len(header))]
    has_number = any(
        NUMBER.fullmatch(name) and sum(bool(NUMBER.fullmatch(cell)) for cell in cells) > 0.5 * len(cells)
        for name, cells in zip(header, columns, strict=True)
    )
    n_repeated = sum(bool(name) and name in cells for name, cells in zip(header, columns, strict=True))
    if has_number or n_repeated >= 0.5 * len(header):
        raise BadInput(
            f"{where} has no header: line 1 looks like a row of data; expected the {len(header)} column "
            "names there. Add a first line with the names."
        )


def _check_fields_per_line(text: bytes, delimiter: str, n_fields: int, where: str) -> None:
    """Refuse ragged rows: pandas would fill short ones and shift long ones without any warning."""
    if _is_regular(text, delimiter, n_fields):
        return
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        ragged = [(reader.line_num, len(record)) for record in reader if record and len(record) != n_fields]
    except csv.Error as err:
        raise _unclosed_quote(where, reader.line_num) from err
    if not ragged:
        return
    line, found = ragged[0]
    raise BadInput(
        f"{where}: ragged rows: line {line:,} has {found} fields where the header has {n_fields} "
        f"({len(ragged):,} such lines, delimiter {DELIMITERS[delimiter]}). "
        "Correct these lines, and quote cells that hold the delimiter."
    )


def _is_regular(text: bytes, delimiter: str, n_fields: int) -> bool:
    """Count the fields of all lines at once; quotes within a field may give a false alarm."""
    codes = np.frombuffer(text, np.uint8)
    ends = codes == ord("\n")
    marks = ends | (codes == ord(delimiter))
    if b'"' in text:
        marks &= ~np.logical_xor.accumulate(codes == ord('"'))
    is_end = ends[np.flatnonzero(marks)]
    counts = np.diff(np.flatnonzero(is_end), prepend=-1)
    return bool(is_end[-1:].all() and (counts == n_fields).all())


def _unclosed_quote(where: str, line: int | str) -> BadInput:
    return BadInput(
        f"{where}: a quotation mark opened near line {line} is never closed. "
        "Close it, or double the mark where it belongs to the text."
    )


def _parse(text: bytes, delimiter: str, where: str) -> pyarrow.Table:
    if b'"' not in text:
        names = next(
            csv.reader(io.StringIO(text[:SAMPLE_BYTES].decode(errors="ignore")), delimiter=delimiter)
        )
        names = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(names)]
        return pyarrow.csv.read_csv(
            pyarrow.BufferReader(text),
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    try:
        frame = pd.read_csv(
            io.BytesIO(text),
            sep=delimiter,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            skipinitialspace=True,
        )
        return pyarrow.Table.from_pandas(
            frame,
            schema=pyarrow.schema([(name, pyarrow.string()) for name in frame.columns]),
            preserve_index=False,
        )
    except pd.errors.ParserError as err:
        row = re.search(r"row (\d+)", str(err))
        raise _unclosed_quote(where, int(row[1]) + 1 if row else "?") from err

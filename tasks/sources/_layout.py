"""Find out how a delimited text is laid out: delimiter, what stands before the header, header, units."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources._plain import check_column_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE_BYTES = 1 << 20
SAMPLE_RECORDS = 200
SAMPLE_LINES = 20
MAX_PREAMBLE_LINES = 50
MAX_UNIT_ROWS = 3
# One cell may be as large as this; Python's own limit is 131,072 characters.
MAX_CELL_CHARACTERS = 1 << 24
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
WHOLE = re.compile(r"\d+")
UNIT = re.compile(r"[(\[{].*[)\]}]")
SEPARATOR_LINE = re.compile(rb'"?sep=(.|\\t)"?\n', re.IGNORECASE)
MARKERS = {"", "-", "--", "?", ".", "*", ":", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", r"\N"}


@dataclass(frozen=True)
class Record:
    """Fields of one record, and the lines of the text that it takes, from 1."""

    line: int
    last_line: int
    fields: list[str]


@dataclass(frozen=True)
class Layout:
    """How a text is laid out.

    Attributes
    ----------
    delimiter : str
    names : tuple of str
        As the header writes them; empty where a column has none.
    n_fields : int
        Fields of each row: one more than `names` where each row ends with a delimiter.
    header_line, body_line : int
        Where the header begins, and where the rows begin.
    notes : tuple of str
        What was read past.
    has_text_over_numbers : bool
        Whether a word heads a column of numbers: then line `header_line` is surely no row.
    """

    delimiter: str
    names: tuple[str, ...]
    n_fields: int
    header_line: int
    body_line: int
    notes: tuple[str, ...]
    has_text_over_numbers: bool


def iterate_records(text: str, delimiter: str, *, strict: bool = False) -> Iterator[Record]:
    """Yield the records of a text that are not blank; a cell may be large.

    Raises
    ------
    csv.Error
        If a quotation mark never closes; where `strict`, also if text follows a closing one.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    lines = io.StringIO(text, newline="\n")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)
    before = 0
    for fields in reader:
        if fields and fields != [""]:
            yield Record(before + 1, reader.line_num, fields)
        before = reader.line_num


def separator_of(text: bytes) -> str | None:
    """Return the delimiter that Excel's own first line ``sep=;`` names, if there is one."""
    match = SEPARATOR_LINE.match(text)
    return match[1].decode().replace(r"\t", "\t") if match else None


def is_quoted_whole(text: bytes) -> bool:
    """Return whether each line is one quoted cell that holds all the others."""
    lines = [line for line in sample_of(text).split("\n")[:SAMPLE_RECORDS] if line]
    inner = [line[1:-1] for line in lines if len(line) > 1 and line[0] == line[-1] == '"']
    # A lone quote inside would end the cell: then the line is several quoted cells.
    whole = [text for text in inner if '"' not in text.replace('""', "")]
    return len(whole) == len(lines) > 1 and all(len(set(DELIMITERS) & set(line)) for line in whole)


def sample_of(text: bytes) -> str:
    """Return the first complete lines of a text: a few of them, however long they are."""
    end = text.rfind(b"\n", 0, SAMPLE_BYTES) + 1 if len(text) > SAMPLE_BYTES else len(text)
    for _ in range(SAMPLE_LINES - text.count(b"\n", 0, end)):
        end = text.find(b"\n", end) + 1 or len(text)
    return text[:end].decode("utf-8", errors="ignore")


def find_layout(text: bytes, where: str, delimiter: str | None = None) -> Layout:
    r"""Find the layout of a text by its first records.

    Parameters
    ----------
    text : bytes
        UTF-8 with ``\n`` line ends.
    where : str
        Name of the file, for messages.
    delimiter : str, optional
        Where it is known.

    Returns
    -------
    Layout

    Raises
    ------
    BadInput
        If there is one column only, no header, no row, or a column name occurs twice.
    """
    sample = sample_of(text)
    declared = separator_of(text) if delimiter is None else None
    delimiter = delimiter or declared or _detect_delimiter(sample, where)
    records = _first_records(sample, delimiter)
    notes: list[str] = []
    if declared:
        notes.append(f"line 1 names the delimiter ({DELIMITERS.get(delimiter, repr(delimiter))})")
        records = records[1:]
    if not records:
        raise BadInput(f"{where} holds a single line; expected a header and at least 60 rows. Add the data.")
    width = _usual_width(records)
    start = _find_header(records, width)
    notes += _preamble_notes(records[:start])
    header, body = records[start], records[start + 1 :]
    if not body:
        raise BadInput(f"{where} holds a single line; expected a header and at least 60 rows. Add the data.")
    names, n_fields, surplus = _match_widths(header, body, sample)
    notes += surplus
    n_units = _count_unit_rows(names, body)
    if n_units:
        last = body[n_units - 1].last_line
        notes.append(f"{_lines(body[0].line, last)} under the header: units or descriptions, not values")
    _check_header(names, [record.fields for record in body[n_units:]], header.line, where)
    return Layout(
        delimiter=delimiter,
        names=names,
        n_fields=n_fields,
        header_line=header.line,
        body_line=(body[n_units - 1] if n_units else header).last_line + 1,
        notes=tuple(notes),
        has_text_over_numbers=any(_over_numbers(names, [record.fields for record in body[n_units:]])),
    )


def _first_records(sample: str, delimiter: str) -> list[Record]:
    records: list[Record] = []
    # The delimiter is wrong, or a quote never closes: what was read so far counts.
    with contextlib.suppress(csv.Error):
        records.extend(itertools.islice(iterate_records(sample, delimiter), SAMPLE_RECORDS))
    return records


def _detect_delimiter(sample: str, where: str) -> str:
    """Find the delimiter whose most frequent number of fields is the most regular, then the largest."""

    def regularity(delimiter: str) -> tuple[float, int]:
        records = [r for r in _first_records(sample, delimiter) if not _is_comment(r)]
        lengths = Counter(len(record.fields) for record in records)
        n_fields, n_lines = max(lengths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        return (n_lines / lengths.total(), n_fields) if n_fields > 1 else (0.0, n_fields)

    best = max(DELIMITERS, key=regularity)
    if regularity(best)[1] < 2:
        raise BadInput(
            f"{where} has one column only: no comma, semicolon, tab or pipe separates fields. "
            "Expected a target and at least one feature. Check the file and its delimiter."
        )
    return best


def _is_comment(record: Record) -> bool:
    return record.fields[0].startswith("#")


def _usual_width(records: Sequence[Record]) -> int:
    """Return the most frequent number of fields; of equally frequent ones the largest."""
    lengths = Counter(len(record.fields) for record in records if not _is_comment(record))
    return max(lengths.items(), key=lambda item: (item[1], item[0]), default=(len(records[0].fields), 0))[0]


def _find_header(records: Sequence[Record], width: int) -> int:
    """Return the index of the header: the first record, unless those before it are clearly none.

    Clear are comments, and titles: records of one field, or padded with empty ones, before a
    record whose words head columns of numbers.
    """
    n_comments = sum(1 for _ in itertools.takewhile(_is_comment, records))
    if n_comments == len(records):
        return 0
    if n_comments and len(records[n_comments - 1].fields) == width:
        # "#chrom,start,end" is a header, unless a better one follows.
        follows = [record.fields for record in records[n_comments + 1 :]]
        if not any(_over_numbers(records[n_comments].fields, follows)):
            return n_comments - 1
    titles = itertools.takewhile(lambda record: _is_title(record, width), records[n_comments:])
    start = n_comments + sum(1 for _ in titles)
    if n_comments < start < len(records) and start <= MAX_PREAMBLE_LINES:
        fields = records[start].fields
        if len(fields) == width and not any(NUMBER.fullmatch(field) for field in fields):
            return start
    return n_comments


def _is_title(record: Record, width: int) -> bool:
    n_filled = sum(bool(field.strip()) for field in record.fields)
    return n_filled <= 1 or (n_filled == 2 and width > 4 and len(record.fields) in (2, width))


def _preamble_notes(records: Sequence[Record]) -> list[str]:
    if not records:
        return []
    what = "comments" if all(_is_comment(record) for record in records) else "a title, not rows"
    return [f"{_lines(records[0].line, records[-1].last_line)} before the header: {what}"]


def _lines(first: int, last: int) -> str:
    return f"line {first:,}" if first == last else f"lines {first:,} to {last:,}"


def _match_widths(
    header: Record, body: Sequence[Record], sample: str
) -> tuple[tuple[str, ...], int, list[str]]:
    """Return names and fields of a row, where header and rows differ by one field for a clear reason."""
    names = tuple(name.lstrip(" ") for name in header.fields)
    widths = Counter(len(record.fields) for record in body)
    if len(widths) > 1 or len(names) in widths:
        return names, len(names), []
    (width,) = widths
    if width == len(names) + 1 and not any(record.fields[-1] for record in body):
        return names, width, ["each row ends with one delimiter more than the header"]
    if width == len(names) - 1 and not names[-1]:
        return names[:-1], width, ["the header ends with one delimiter more than the rows"]
    if width == len(names) + 1 and _has_row_names(body, sample):
        return ("", *names), width, ["each row begins with a name or number that the header has no name for"]
    return names, len(names), []


def _has_row_names(body: Sequence[Record], sample: str) -> bool:
    """Recognize what R's ``write.table`` writes: distinct names in quotes before every row, none in the header."""
    lines = sample.split("\n")
    is_quoted = all(lines[record.line - 1].startswith('"') for record in body)
    return is_quoted and len({record.fields[0] for record in body}) == len(body) >= 10


def _columns(names: Sequence[str], body: Sequence[list[str]]) -> list[list[str]]:
    return [[fields[i] for fields in body if i < len(fields)] for i in range(len(names))]


def _share_of_numbers(cells: Sequence[str]) -> float:
    present = [cell for cell in cells if cell.strip() not in MARKERS]
    return sum(bool(NUMBER.fullmatch(cell.strip())) for cell in present) / max(len(present), 1)


def _over_numbers(names: Sequence[str], body: Sequence[list[str]]) -> list[bool]:
    """Return for each column whether a word, not a number or a marker, stands over numbers."""
    return [
        name.strip() not in MARKERS
        and not NUMBER.fullmatch(name.strip())
        and not name.startswith(("<", ">", "#"))
        and len(cells) > 1
        and _share_of_numbers(cells) > 0.9
        for name, cells in zip(names, _columns(names, body), strict=True)
    ]


def _count_unit_rows(names: Sequence[str], body: Sequence[Record]) -> int:
    """Count the records under the header that hold words where all later ones hold numbers."""
    for n_units in range(MAX_UNIT_ROWS, 0, -1):
        rows, rest = body[:n_units], [record.fields for record in body[n_units:]]
        if len(rest) >= 2 and all(_is_unit_row(record.fields, names, rest) for record in rows):
            return n_units
    return 0


def _is_unit_row(fields: list[str], names: Sequence[str], rest: Sequence[list[str]]) -> bool:
    if len(fields) < len(names) or list(fields) == list(names):
        return False
    numeric = [_share_of_numbers(cells) > 0.9 and any(cells) for cells in _columns(fields, rest)]
    over = [field.strip() for field, is_numeric in zip(fields, numeric, strict=True) if is_numeric]
    words = [word for word in over if word and not NUMBER.fullmatch(word)]
    if not words or any(NUMBER.fullmatch(word) for word in over):
        return False
    if any(word in MARKERS for word in words):
        return False
    # One word may be a stray one: several different, or brackets, are units.
    return all(UNIT.fullmatch(word) for word in words) or len(set(words)) > 1


def _check_header(names: Sequence[str], body: Sequence[list[str]], line: int, where: str) -> None:
    """Refuse a first line that looks like a row: numbers that are no names, or words that occur below."""
    check_column_names(names, where)
    columns = _columns(names, body)
    n_repeated = sum(bool(name) and name in cells for name, cells in zip(names, columns, strict=True))
    numbers = [
        name
        for name, cells in zip(names, columns, strict=True)
        if NUMBER.fullmatch(name) and _share_of_numbers(cells) > 0.5
    ]
    over = sum(_over_numbers(names, body))
    again = sum(list(names) == fields for fields in body)
    is_named = not numbers or (_are_names(numbers) and (over or not n_repeated or len(numbers) > 3))
    if is_named and (n_repeated < 0.5 * len(names) or (over and again)):
        return
    raise BadInput(
        f"{where} has no header: line {line:,} looks like a row of data; expected the {len(names)} column "
        "names there. Add a first line with the names."
    )


def _are_names(numbers: Sequence[str]) -> bool:
    """Return whether numbers in a header are names: 0, 1, 2 … or years."""
    if not all(WHOLE.fullmatch(number) for number in numbers):
        return False
    values = [int(number) for number in numbers]
    counts = (
        len(values) > 1 and values == list(range(values[0], values[0] + len(values))) and values[0] in (0, 1)
    )
    return counts or all(1800 <= value <= 2199 for value in values)

"""What a text table looks like is found by its lines, said in one note each, or refused by name."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources._delimited import read_text
from realmix.tasks.sources._layout import DELIMITERS, MARKERS

HEADER = ["age", "income", "plan", "churn"]
ROWS = [
    [str(20 + i), f"{1000 + 7 * i}.5", ["pro", "plus"][i % 2], ["no", "yes"][i % 3 == 0]] for i in range(40)
]


def written(rows: list[list[str]], delimiter: str = ",", **options: object) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n", **options).writerows(rows)
    return out.getvalue()


PLAIN = written([HEADER, *ROWS])
BODY = written(ROWS)

READ_PAST = {
    "sep line": ("sep=;\n" + written([HEADER, *ROWS], ";"), "line 1 names the delimiter (semicolon)", 3),
    "comments": (f"# made 2026-01-05\n# by: x\n{PLAIN}", "lines 1 to 2 before the header: comments", 4),
    "title": (f"Customers\n\n{PLAIN}", "line 1 before the header: a title", 4),
    "padded title": (f"Customers,,,\n,,,\n{PLAIN}", "before the header: a title", 4),
    "title with a delimiter": (
        "Customers of 2026;all\n" + written([[*HEADER, "a", "b"], *([*row, "1", "2"] for row in ROWS)], ";"),
        "line 1 before the header: a title",
        3,
    ),
    "units": (
        f"{written([HEADER])}(years),(EUR),(name),(yes/no)\n{BODY}",
        "line 2 under the header: units",
        3,
    ),
    "descriptions": (
        f"{written([HEADER])}Age at entry,Income per year,Plan now,Left\nint,float,text,text\n{BODY}",
        "lines 2 to 3 under the header: units",
        4,
    ),
    "header again": (
        f"{PLAIN}{PLAIN}",
        "the header stands again in 1 lines (first line 42)",
        2,
    ),
    "comments within": (f"{PLAIN}# second export\n{BODY}", "1 line (first line 42) with #: comments", 2),
    "footer": (f"{PLAIN}\n40 rows exported\n", "1 line (first line 43) after the last row: a footer", 2),
    "delimiter at the end of rows": (
        written([HEADER]) + BODY.replace("\n", ",\n"),
        "each row ends with one delimiter more than the header",
        2,
    ),
    "delimiter at the end of the header": (
        ",".join(HEADER) + ",\n" + BODY,
        "the header ends with one delimiter more than the rows",
        2,
    ),
    "whole lines quoted": (
        "".join(f'"{line}"\n' for line in PLAIN.splitlines()),
        "every line is quoted as a whole",
        2,
    ),
    "empty rows at the end": (PLAIN + ",,,\n" * 3, "3 rows without any cell at the end (from line 42)", 2),
}


@pytest.mark.parametrize("case", READ_PAST)
def test_what_is_no_row_is_read_past_with_a_note(case):
    text, note, first_line = READ_PAST[case]
    table = read_text(text.encode(), "t.csv")
    assert table.cells.column_names[:4] == HEADER
    rows = list(zip(*(column.to_pylist() for column in table.cells.columns[:4]), strict=True))
    assert [list(row) for row in rows[:40]] == ROWS and len(rows) in (40, 80)
    assert note in "; ".join(table.notes)
    assert table.lines[0] == first_line and (np.diff(table.lines) > 0).all()


def test_a_plain_table_has_no_note():
    assert read_text(PLAIN.encode(), "t.csv").notes == ()


def test_quotes_escaped_with_a_backslash_are_read_where_all_rows_become_regular():
    rows = [["note", "x"], *([f'said "hi, {i}"' if i % 3 else r"C:\new\N", str(i)] for i in range(30))]
    text = written(rows, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    table = read_text(text.encode(), "t.csv")
    assert table.cells["note"].to_pylist() == [row[0] for row in rows[1:]]
    assert table.notes == ("quotes within cells are escaped with a backslash",)


def test_a_backslash_before_the_closing_quote_is_a_letter_where_the_rows_are_regular():
    text = 'path,x\n"C:\\data\\",1\n"C:\\more\\",2\n'
    assert read_text(text.encode(), "t.csv").cells["path"].to_pylist() == ["C:\\data\\", "C:\\more\\"]


def test_escapes_that_explain_nothing_are_refused_by_name():
    text = 'note,x\n"said \\"hi, there\\"",1\n"a",2,3\n'
    with pytest.raises(BadInput, match=r"escaped with a backslash \(line 2\)"):
        read_text(text.encode(), "t.csv")


def test_row_names_are_a_column_only_where_r_quoted_them():
    quoted = '"age","income"\n' + "".join(f'"car {i}",{i % 7},{i}.5\n' for i in range(30))
    table = read_text(quoted.encode(), "t.csv")
    assert table.cells.column_names == ["Unnamed: 0", "age", "income"]
    assert table.cells["age"].to_pylist()[:3] == ["0", "1", "2"]
    with pytest.raises(BadInput, match=r"ragged rows: line 2 has 3 fields where the header has 2"):
        read_text(quoted.replace('"', "").encode(), "t.csv")


NUMBERED = {
    "0 to 7 over decimals": [
        [str(i) for i in range(8)],
        *([f"{i * j}.25" for i in range(8)] for j in range(9)),
    ],
    "0 to 3 and a target": [
        ["0", "1", "2", "3", "target"],
        *([str(i), "7", "8", "9", "yn"[i % 2]] for i in range(9)),
    ],
    "years": [["country", "2019", "2020"], *([f"land {i}", str(i), "3"] for i in range(9))],
    "one year": [["country", "size", "2019"], *([f"land {i}", str(i), "3"] for i in range(9))],
}


@pytest.mark.parametrize("case", NUMBERED)
def test_numbers_that_count_or_are_years_are_column_names(case):
    rows = NUMBERED[case]
    table = read_text(written(rows).encode(), "t.csv")
    assert table.cells.column_names == rows[0] and table.cells.num_rows == 9


@pytest.mark.parametrize(
    "text",
    [
        "1,2.5,no\n2,3.5,yes\n3,1.5,no\n",
        "1,2,no\n2,5,yes\n3,1,no\n",
        "5.1,3.5,1.4,a\n4.9,3.0,1.4,b\n4.7,3.2,1.3,a\n",
        "red,no\nblue,yes\nred,no\nblue,no\n",
    ],
)
def test_a_first_row_of_data_is_no_header(text):
    with pytest.raises(BadInput, match="no header: line 1"):
        read_text(text.encode(), "t.csv")


def test_a_hash_before_the_first_name_does_not_make_the_header_a_comment():
    table = read_text(b"##version 4\n#chrom,start,end\nchr1,5,9\nchr2,6,8\n", "t.csv")
    assert table.cells.column_names == ["#chrom", "start", "end"]


def test_a_cell_of_a_megabyte_does_not_hide_the_delimiter():
    text = f"doc,x\n{'a ' * 600_000},1\nb,2\n"
    table = read_text(text.encode(), "t.csv")
    assert len(table.cells["doc"][0].as_py()) == 1_200_000 and table.cells["x"].to_pylist() == ["1", "2"]


def test_marks_that_were_written_twice_or_within_joined_files_are_no_letters():
    mark = b"\xef\xbb\xbf"
    table = read_text(mark * 2 + PLAIN.encode() + mark + PLAIN.encode(), "t.csv")
    assert table.cells.column_names == HEADER and table.cells.num_rows == 80


def test_nothing_and_an_empty_quoted_cell_are_told_apart():
    table = read_text(b'a,b\n,1\n"",2\n  ,3\n', "t.csv")
    assert table.cells["a"].to_pylist() == [None, "", "  "]


def test_mixed_line_ends_are_line_ends():
    assert read_text(b"a,b\r\n1,2\n3,4\r5,6\r\n", "t.csv").lines.tolist() == [2, 3, 4]


@pytest.mark.parametrize(("encoding", "word"), [("iso2022_jp", "東京"), ("utf-7", "Köln")])
def test_letters_written_in_ascii_are_recognized_and_the_guess_is_said(encoding, word):
    table = read_text(f"city,x\n{word},1\n{word},2\n".encode(encoding), "t.csv")
    assert table.cells["city"].to_pylist() == [word, word]
    assert "guess" in table.detected["encoding_note"]


def test_a_plus_in_plain_text_is_no_encoding():
    assert read_text(b"phone,x\n+4930-1,1\n+49abc-2,2\n", "t.csv").detected["encoding"] == "utf-8"


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=9)
cells = st.one_of(
    words, st.integers(-99, 9999).map(str), st.sampled_from(["", "a\nb", 'say "x"', "1,5", "x;y", " pad "])
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    n_columns = draw(st.integers(2, 5))
    row = st.lists(
        cells.filter(lambda c: not c.startswith(("#", "\ufeff", " "))), min_size=n_columns, max_size=n_columns
    )
    rows = draw(st.lists(row, min_size=3, max_size=12))
    # A numeric first column shows that the header is one, and that no row is a title or empty.
    return [[f"name {i}" for i in range(n_columns + 1)], *([str(i), *row] for i, row in enumerate(rows))]


@settings(max_examples=200, deadline=None)
@given(
    table=tables(),
    delimiter=st.sampled_from(list(DELIMITERS)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    preamble=st.sampled_from(["", "# made by a test\n", "Title\n\n", "sep"]),
)
def test_whatever_is_written_in_any_dialect_is_read_back(
    table, delimiter, quoting, line_end, encoding, preamble
):
    preamble = f"sep={delimiter}\n" if preamble == "sep" else preamble
    text = preamble + written(table, delimiter, quoting=quoting)
    read = read_text(text.replace("\n", line_end).encode(encoding), "t.csv").cells
    assert read.column_names == table[0]
    for column, expected in zip(read.columns, zip(*table[1:], strict=True), strict=True):
        assert [cell or "" for cell in column.to_pylist()] == list(expected)


def test_no_marker_of_missing_cells_is_a_unit():
    rows = [HEADER, ["NA", "-", "pro", "no"], *ROWS]
    assert read_text(written(rows).encode(), "t.csv").cells.num_rows == 41
    assert "NA" in MARKERS

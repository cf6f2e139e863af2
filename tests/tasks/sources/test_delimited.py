from __future__ import annotations

import gzip
import hashlib
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.sources import _layout
from realmix.tasks.sources._layout import DELIMITERS
from realmix.tasks.sources._table import read_table

TABLE = "city,age,bought\nKöln,30,no\nOulu,41,yes\nLund,?,no\n"


def test_a_plain_csv_file_is_read_and_described():
    frame, detected = read_table(TABLE.encode(), "t.csv")
    assert frame["city"].tolist() == ["Köln", "Oulu", "Lund"]
    assert frame["age"].isna().sum() == 1
    assert detected == {
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": "comma",
        "header": "line 1",
        "n_bytes": len(TABLE.encode()),
        "sha256": hashlib.sha256(TABLE.encode()).hexdigest(),
    }


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_detected(delimiter):
    frame, detected = read_table(TABLE.replace(",", delimiter).encode(), "t.csv")
    assert frame.shape == (3, 3)
    assert detected["delimiter"] == DELIMITERS[delimiter]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_encodings_are_detected(encoding):
    frame, detected = read_table(TABLE.encode(encoding), "t.csv")
    assert frame["city"][0] == "Köln"
    assert frame.columns[0] == "city"
    assert detected["encoding"] == encoding


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_text_without_unicode_is_read_and_the_guess_is_said(encoding):
    frame, detected = read_table(TABLE.encode(encoding), "t.csv")
    assert frame["city"][0] == "Köln"
    assert "guess" in detected["encoding_note"]


def test_cyrillic_text_is_not_read_as_western_letters():
    words = ["Москва", "Новосибирск", "Екатеринбург", "Казань", "Челябинск"] * 20
    text = "город,возраст\n" + "\n".join(f"{word},{i}" for i, word in enumerate(words)) + "\n"
    frame, _ = read_table(text.encode("cp1251"), "t.csv")
    assert frame.columns[0] == "город"


def test_decimal_commas_are_understood_where_they_are_not_delimiters():
    frame, _ = read_table(b"x;y\n1,5;a\n2,25;b\n", "t.csv")
    assert frame["x"].tolist() == [1.5, 2.25]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(line_end):
    frame, _ = read_table(TABLE.replace("\n", line_end).encode(), "t.csv")
    assert frame.shape == (3, 3)
    assert frame["bought"].tolist() == ["no", "yes", "no"]


def test_quoted_delimiters_quotes_and_line_breaks_stay_in_their_cell():
    text = 'note,y\n"a, b",1\n"say ""hi""",0\n"two\nlines",1\nfive " six,0\n'
    frame, _ = read_table(text.encode(), "t.csv")
    assert frame["note"].tolist() == ["a, b", 'say "hi"', "two\nlines", 'five " six']


def test_gzip_is_known_by_its_content():
    frame, detected = read_table(gzip.compress(TABLE.encode()), "t.csv")
    assert frame.shape == (3, 3)
    assert detected["compression"] == "gzip"


def test_blank_lines_at_the_end_and_in_between_are_no_rows():
    assert len(read_table(TABLE.encode() + b"\n\n", "t.csv")[0]) == 3
    assert len(read_table(TABLE.replace("\nOulu", "\n\nOulu").encode(), "t.csv")[0]) == 3


def test_an_index_column_without_a_name_is_kept():
    frame, _ = read_table(b",x,y\n0,a,1\n1,b,2\n", "t.csv")
    assert frame.columns.tolist() == ["Unnamed: 0", "x", "y"]


def test_parquet_keeps_all_columns_as_plain_types():
    table = pd.DataFrame(
        {
            "level": pd.Categorical(["a", None, "b"]),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "day": pd.to_datetime(["2026-01-01", None, "2026-01-03"]).tz_localize("Europe/Berlin"),
            "tags": [["a"], [], ["b", "c"]],
        },
        index=pd.Index([7, 8, 9], name="number"),
    )
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    frame, detected = read_table(buffer.getvalue(), "t.parquet")
    assert detected["format"] == "parquet"
    assert set(frame.columns) == {*table.columns, "number"}
    assert frame["level"].dtype == object and frame["whole"].dtype == float
    assert frame["day"][0] == pd.Timestamp("2025-12-31 23:00")
    assert frame["tags"].map(type).eq(str).all()


def _wide_csv(n_rows: int) -> bytes:
    return (
        pd.DataFrame(np.random.default_rng(0).normal(size=(n_rows, 4)), columns=list("abcd"))
        .to_csv(index=False)
        .encode()
    )


def _parquet() -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"a": range(100)}).to_parquet(buffer)
    return buffer.getvalue()


BAD_CONTENT = {
    "empty": (b"", ["empty", "0 bytes"]),
    "only blanks": (b" \n\n ", ["blanks"]),
    "random bytes": (np.random.default_rng(0).bytes(5000), ["binary"]),
    "text with zero bytes": (TABLE.encode() + b"\0\0", ["binary"]),
    "excel": (b"PK\x03\x04" + b"x" * 50, ["Excel", "CSV"]),
    "sqlite": (b"SQLite format 3\0" + b"x" * 50, ["SQLite", "sql:TABLE"]),
    "cut gzip": (gzip.compress(_wide_csv(100))[:200], ["gzip", "damaged"]),
    "cut parquet": (_parquet()[:-20], ["Parquet", "damaged"]),
    "scrambled parquet": (b"PAR1" + bytes(200) + b"PAR1", ["Parquet", "damaged"]),
    "broken utf-8": (TABLE.encode() * 2 + b"\xff,1,no\n", ["wrong encoding", "utf-8", "line 9"]),
    "broken utf-8 after its mark": (b"\xef\xbb\xbfa,b\n\xff,1\n", ["wrong encoding", "line 2"]),
    "odd utf-16": (TABLE.encode("utf-16")[:-1], ["wrong encoding", "utf-16"]),
    "long row": (b"a,b\n1,2\n3,4,5\n6,7\n", ["ragged", "line 3", "3 fields", "header has 2"]),
    "short row": (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", ["ragged", "line 3", "2 fields", "header has 3"]),
    "all rows longer than the header": (b"a,b\n1,2,3\n4,5,6\n", ["ragged", "2 such lines"]),
    "duplicate names": (b"a,b,a\n1,2,3\n", ["'a'", "2 times", "Rename"]),
    "no header, numbers": (b"1,2.5,no\n2,3.5,yes\n3,1.5,no\n", ["no header", "line 1", "3 column names"]),
    "no header, words": (b"red,no\nblue,yes\nred,no\nblue,no\n", ["no header"]),
    "header only": (b"a,b,c\n", ["single line", "60 rows"]),
    "prose": (b"Dear reader\nthis is\nno table\n", ["one column", "semicolon"]),
    "open quote": (b'a,b\n1,2\n"3,4\n5,6\n', ["quotation mark", "never closed"]),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_bad_content_gets_one_sentence(case):
    content, words = BAD_CONTENT[case]
    with pytest.raises(RealmixError) as caught:
        read_table(content, "t.csv")
    message = str(caught.value)
    assert isinstance(caught.value, BadInput)
    assert "t.csv" in message
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize("rows", [b'1,"2\n', b'0,5"1\n1,"2\n'])
def test_a_quote_that_opens_a_cell_without_end_is_one_sentence(rows, monkeypatch):
    monkeypatch.setattr(_layout, "MAX_CELL_CHARACTERS", 1000)
    with pytest.raises(BadInput, match=r"t.csv: a cell near line [34] has more than .* closed"):
        read_table(b"a,b\n0,1\n" + rows + b"3,4\n" * 1000, "t.csv")


def test_messages_hold_no_cells():
    with pytest.raises(BadInput) as caught:
        read_table(b"name,b\nsecret-person,1\nsecret-person,1,2\n", "t.csv")
    assert "secret" not in str(caught.value)


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells, st.integers(-9, 9)), min_size=1, max_size=12),
    delimiter=st.sampled_from(list(DELIMITERS)),
)
def test_whatever_pandas_wrote_has_as_many_rows_and_columns(rows, delimiter):
    table = pd.DataFrame(rows, columns=["first name", "second name", "number"])
    content = table.to_csv(sep=delimiter, index=False, quoting=2).encode()
    frame, _ = read_table(content, "t.csv")
    assert frame.shape == table.shape
    assert frame["number"].tolist() == table["number"].tolist()


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_one_sentence(content):
    try:
        frame, _ = read_table(content, "t.csv")
    except RealmixError:
        return
    assert len(frame) and len(frame.columns) > 1


@settings(max_examples=150, deadline=None)
@given(content=st.text(alphabet='ab1,;"\n\t|?. \r', max_size=60))
def test_any_text_is_a_table_or_one_sentence(content):
    try:
        frame, _ = read_table(content.encode(), "t.csv")
    except RealmixError:
        return
    assert len(frame)

"""A sheet of a workbook is read as its text would be, and which sheet is never guessed."""

from __future__ import annotations

import datetime
import io
import sys
import zipfile

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources import _workbook
from realmix.tasks.sources._delimited import read_text
from realmix.tasks.sources._sheet_cells import as_text
from realmix.tasks.sources._table import read_content
from realmix.tasks.sources.file import FileSource

pytest.importorskip("python_calamine", reason="needs the extra `excel`")

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def cell(place: str, value: object) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>' if value is not None else ""


def xlsx(**sheets: list[list[object]]) -> bytes:
    """Write the smallest workbook that there can be."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        office = f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}">{office}</Relationships>')
        names = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
        main = SHEET.split(">")[0].replace("<worksheet", "<workbook") + f' xmlns:r="{RELATIONS}">'
        book.writestr("xl/workbook.xml", f"{main}<sheets>{names}</sheets></workbook>")
        links = "".join(
            f'<Relationship Id="r{i}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(sheets) + 1)
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            body = "".join(
                f'<row r="{r}">{"".join(cell(f"{chr(65 + c)}{r}", v) for c, v in enumerate(row))}</row>'
                for r, row in enumerate(rows, 1)
            )
            book.writestr(f"xl/worksheets/sheet{i}.xml", SHEET.format(body))
    return out.getvalue()


TABLE = [["id", "age", "note"], *([f"00{i}", 20 + i, "two\nlines" if i == 2 else "x, y"] for i in range(9))]


def test_texts_stay_exact_and_whole_numbers_have_no_point():
    table = read_text(xlsx(Data=TABLE), "book.xlsx")
    assert table.cells.to_pydict()["id"][:2] == ["000", "001"]
    assert table.cells.to_pydict()["age"][:2] == ["20", "21"]
    assert table.cells.to_pydict()["note"][2] == "two\nlines"
    assert table.lines.tolist() == list(range(2, 11))
    assert table.detected["sheet"] == "Data"


def test_a_title_above_the_table_is_read_past():
    table = read_text(xlsx(Data=[["Customers", None, None], [], *TABLE]), "book.xlsx")
    assert table.cells.column_names == TABLE[0] and table.lines[0] == 4
    assert "title" in table.notes[0]


def test_of_several_sheets_one_must_be_named(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(xlsx(First=TABLE, Second=[["a", "b"], [1, 2], [3, 4]]))
    with pytest.raises(BadInput, match=r"2 sheets: 'First', 'Second'.*#First"):
        FileSource(str(path)).load()
    assert FileSource(f"{path}#Second").load().to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    with pytest.raises(BadInput, match="no sheet 'Third'"):
        FileSource(f"{path}#Third").load()


def test_a_stray_cell_far_away_is_refused_before_the_sheet_takes_all_memory():
    content = xlsx(Data=TABLE)
    far = SHEET.format('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, far if "sheet1" in name else old.read(name))
    with pytest.raises(BadInput, match="of memory to open"):
        read_text(out.getvalue(), "book.xlsx")


# As the library takes them, though other programs write them otherwise.
BOMBS = {
    "a far cell in single quotes": {"xl/worksheets/sheet1.xml": SHEET.format("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>")},
    "one long text in many cells": {
        "xl/worksheets/sheet1.xml": SHEET.format("".join(f'<row r="{i}"><c r="A{i}" t="s"><v>0</v></c></row>' for i in range(1, 20_001))),
        "xl/sharedStrings.xml": f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{"x" * 100_000}</t></si></sst>',
    },
    "texts that are never used": {"xl/sharedStrings.xml": "<sst>" + "<si><t>" + "x" * 200_000_000 + "</t></si></sst>"},
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_workbook_that_would_take_all_memory_is_refused_by_the_program_that_opens_it(bomb, monkeypatch):
    monkeypatch.setattr(_workbook, "usable_bytes", lambda: 2**28)
    content, out = xlsx(Data=TABLE), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *BOMBS[bomb]}:
            new.writestr(name, BOMBS[bomb].get(name) or old.read(name))
    assert len(out.getvalue()) < 500_000
    with pytest.raises(BadInput, match="of memory to open"):
        read_text(out.getvalue(), "book.xlsx")


def test_a_damaged_workbook_is_one_sentence():
    with pytest.raises(BadInput, match="damaged"):
        read_content(xlsx(Data=TABLE)[:-30], "book.xlsx")


def test_without_the_library_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(BadInput, match=r"pip install -e '\.\[excel\]'"):
        read_text(xlsx(Data=TABLE), "book.xlsx")


def test_dates_are_written_as_iso_8601():
    assert as_text(datetime.datetime(2026, 1, 5)) == "2026-01-05"
    assert as_text(datetime.datetime(2026, 1, 5, 9, 30)) == "2026-01-05T09:30:00"
    assert (as_text(0.1), as_text(True), as_text(3.0)) == ("0.1", "True", "3")

"""Read a sheet of an Excel or OpenDocument workbook as comma-separated text."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
import zlib
from typing import Any

import numpy as np

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.numbers_as_written import MAX_EXACT
from realmix.tasks.core.versions import require
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._compressed import DECOMPRESSED, check_bytes

XLSX_CELL = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
ODS_ROW = re.compile(rb"<table:table-row([^>]*)>(.*?)</table:table-row>", re.DOTALL)
ODS_CELL = re.compile(rb"<table:table-cell([^>]*office:value-type[^>]*)>")
ODS_ROWS_AGAIN = re.compile(rb'number-rows-repeated="(\d+)"')
ODS_CELLS_AGAIN = re.compile(rb'number-columns-repeated="(\d+)"')
N_NAMES_SHOWN = 20


def sheet_as_csv(content: bytes, where: str, sheet: str | None = None) -> tuple[bytes, np.ndarray, str]:
    """Write the cells of one sheet as comma-separated text, a row a record.

    Parameters
    ----------
    content : bytes
        ``.xlsx``, ``.xls`` or ``.ods``.
    where : str
        Name of the file, for messages.
    sheet : str, optional
        Name of the sheet; needed where several hold cells.

    Returns
    -------
    text : bytes
        Numbers as the shortest text that means the same, dates as ISO 8601.
    starts : ndarray of int64, shape (n_rows,)
        Line of `text` on which each row of the sheet begins, from 1.
    name : str
        Of the sheet.

    Raises
    ------
    BadInput
        If the extra ``excel`` is not installed, the workbook is damaged, has a password or is too large, or
        it is not clear which sheet is meant.
    """
    require("python_calamine", "excel", f"The workbook {where}")
    import python_calamine

    try:
        _check_size(content, where)
        book = python_calamine.load_workbook(io.BytesIO(content))
        names = [sheet] if sheet in book.sheet_names else book.sheet_names
        sheets = {name: book.get_sheet_by_name(name) for name in names}
    except (python_calamine.CalamineError, zipfile.BadZipFile, zlib.error, ValueError, OSError) as err:
        raise BadInput(
            f"{where} starts like a workbook but cannot be read ({type(err).__name__}): it is damaged, has a "
            "password or is another kind of document. Save the sheet as CSV."
        ) from err
    name = _chosen(sheets, sheet, where)
    text, starts = _as_csv(sheets[name].to_python(skip_empty_area=False))
    return text, starts, name


def _as_csv(rows: list[list[Any]]) -> tuple[bytes, np.ndarray]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    n_lines = []
    for row in rows:
        cells = [_as_text(cell) for cell in row]
        if any(cells):
            writer.writerow(cells)
        else:
            out.write("\n")
        n_lines.append(1 + sum(cell.count("\n") for cell in cells))
    return out.getvalue().encode("utf-8"), np.cumsum([1, *n_lines[:-1]])


def _as_text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < MAX_EXACT:
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell).replace("\r\n", "\n").replace("\r", "\n")


def _chosen(sheets: dict[str, Any], asked: str | None, where: str) -> str:
    names = ", ".join(f"'{name}'" for name in list(sheets)[:N_NAMES_SHOWN])
    if asked is not None and asked not in sheets:
        raise BadInput(f"{where} has no sheet '{asked}'; it has {names}. Correct the name after '#'.")
    filled = [name for name, sheet in sheets.items() if sheet.height]
    if asked is None and len(filled) > 1:
        location = where.removesuffix(DECOMPRESSED)
        raise BadInput(
            f"{where} has {len(filled)} sheets: {names}. Name one, as in {location}#{filled[0]}; in a landing place, "
            "put a file with the one sheet of the rows."
        )
    if not filled:
        raise BadInput(f"{where} holds no cells; expected a header and rows. Check the sheet.")
    return filled[0]


def _check_size(content: bytes, where: str) -> None:
    """Refuse sheets that would take the memory of this machine, before the library opens them."""
    if not content.startswith(b"PK"):
        return
    archive = zipfile.ZipFile(io.BytesIO(content))
    check_bytes(sum(member.file_size for member in archive.infolist()), f"{where}{DECOMPRESSED}")
    for member in archive.infolist():
        if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
            check_table_fits(*_xlsx_box(archive.read(member)), where)
        elif member.filename == "content.xml":
            check_table_fits(_count_ods_cells(archive.read(member)), 1, where)


def _xlsx_box(xml: bytes) -> tuple[int, int]:
    """Return height and width of the box around all cells: a stray cell far away makes it large."""
    columns, last_row = set(), 0
    for match in XLSX_CELL.finditer(xml):
        columns.add(match[1])
        last_row = max(last_row, int(match[2]))
    return last_row, max(map(_column_number, columns), default=0)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _count_ods_cells(xml: bytes) -> int:
    """Count the cells that hold something, each as often as it is repeated."""

    def again(pattern: re.Pattern[bytes], attributes: bytes) -> int:
        match = pattern.search(attributes)
        return int(match[1]) if match else 1

    return sum(
        again(ODS_ROWS_AGAIN, row[1])
        * sum(again(ODS_CELLS_AGAIN, cell[1]) for cell in ODS_CELL.finditer(row[2]))
        for row in ODS_ROW.finditer(xml)
    )

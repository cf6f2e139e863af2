"""Read the bytes of a file as a table: text as it is written, or typed columns."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any

import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.runtime.memory import within_memory
from realmix.tasks.sources._arrow import arrow_format, read_arrow
from realmix.tasks.sources._compressed import DECOMPRESSED, check_bytes, decompress
from realmix.tasks.sources._delimited import read_text
from realmix.tasks.sources._plain import plain_types

# How the names of workbooks end, compressed or not, as an address names them.
WORKBOOK = re.compile(r"\.(xls[xmb]?|ods)(\.\w{2,4})?(\?.*)?", re.IGNORECASE)


def split_sheet(location: str) -> tuple[str, str | None]:
    """Split the name of a sheet off a location, unless it is all the name of a file or object.

    Examples
    --------
    >>> split_sheet("book.xlsx#Data"), split_sheet("s3://bucket/book.xlsx#Data"), split_sheet("s3://bucket/part#1.csv")
    (('book.xlsx', 'Data'), ('s3://bucket/book.xlsx', 'Data'), ('s3://bucket/part#1.csv', None))
    """
    path, mark, sheet = location.rpartition("#")
    # What is no path at all does not exist, for this function of os.
    is_whole = not WORKBOOK.search(path) if "://" in location else os.path.exists(location)  # noqa: PTH110
    return (location, None) if not mark or not sheet or is_whole else (path, sheet)


def read_content(
    content: bytes, where: str, sheet: str | None = None
) -> tuple[TextTable | pd.DataFrame, dict[str, Any]]:
    """Read a file whose text no one has interpreted yet.

    Parameters
    ----------
    content : bytes
        Text or a workbook, see :func:`realmix.tasks.sources._delimited.read_text`, or Parquet, Arrow or
        Feather; also compressed.
    where : str
        Name of the file, for messages.
    sheet : str, optional
        Of a workbook of several sheets.

    Returns
    -------
    table : TextTable, or DataFrame of shape (n_rows, n_columns)
        Text cells of a text file or workbook; plain types of the others.
    detected : dict
        Format, size and sha256; for text its compression, encoding, delimiter, header, and notes on what was read past.

    Raises
    ------
    BadInput
        If the bytes are no table.
    """
    check_bytes(len(content), where)
    with within_memory(where):
        table, detected = _read_content(content, where, sheet)
    return table, {**detected, "n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _read_content(
    content: bytes, where: str, sheet: str | None
) -> tuple[TextTable | pd.DataFrame, dict[str, Any]]:
    content, compression = decompress(content, where)
    undone: dict[str, Any] = {"compression": ", ".join(compression)} if compression else {}
    where = f"{where}{DECOMPRESSED}" if compression else where
    if (name := arrow_format(content)) is not None:
        return plain_types(read_arrow(content, where), where), {"format": name, **undone}
    text = read_text(content, where, sheet)
    if not text.cells.num_rows:
        raise BadInput(f"{where} holds no rows, only column names; expected at least 60 rows. Add the data.")
    notes = {"notes": list(text.notes)} if text.notes else {}
    return text, {**text.detected, **undone, **notes}


def read_table(content: bytes, where: str, sheet: str | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    r"""Read a file, each column typed by what its cells say.

    Parameters
    ----------
    content, where, sheet
        As of :func:`read_content`.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
    detected : dict

    Raises
    ------
    BadInput
        Also if a column must not be used before a person says how it is to be read.

    Examples
    --------
    >>> frame, detected = read_table(b"age;bought\n30;no\n41;yes\n", "example.csv")
    >>> frame.shape, detected["delimiter"], detected["encoding"]
    ((2, 2), 'semicolon', 'utf-8')
    """
    table, detected = read_content(content, where, sheet)
    return typed_rows(table), detected


def typed_rows(table: TextTable | pd.DataFrame) -> pd.DataFrame:
    """Type each column by what its cells say.

    Raises
    ------
    BadInput
        If a column must not be used before a person says how it is to be read.
    """
    frame, report = read_columns(table)
    report.check()
    return frame

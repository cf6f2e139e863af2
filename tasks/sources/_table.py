"""Read the bytes of a file as a table of typed columns."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.sources._arrow import arrow_format, read_arrow
from realmix.tasks.sources._compressed import check_bytes, decompress
from realmix.tasks.sources._delimited import read_text
from realmix.tasks.sources._layout import NUMBER
from realmix.tasks.sources._plain import plain_types

# What pandas takes for missing, and "?", which marks missing cells in many UCI tables.
MISSING_MARKERS = sorted({"?", *pd._libs.parsers.STR_NA_VALUES})
N_DECIMAL_CELLS = 200


def read_table(content: bytes, where: str, sheet: str | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    r"""Read a table from the bytes of a file.

    Parameters
    ----------
    content : bytes
        Text or a workbook, see :func:`read_text`, or Parquet, Arrow or Feather; also compressed.
    where : str
        Name of the file, for messages.
    sheet : str, optional
        Of a workbook of several sheets.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
    detected : dict
        Format; for text its compression, encoding, delimiter, decimal mark, header, and notes on what was
        read past.

    Raises
    ------
    BadInput
        If the bytes are no table; see :func:`read_text` and :func:`read_arrow`.

    Examples
    --------
    >>> frame, detected = read_table(b"age;bought\n30;no\n41;yes\n", "example.csv")
    >>> frame.shape, detected["delimiter"], detected["encoding"]
    ((2, 2), 'semicolon', 'utf-8')
    """
    check_bytes(len(content), where)
    content, compression = decompress(content, where)
    undone: dict[str, Any] = {"compression": ", ".join(compression)} if compression else {}
    where = f"{where} (decompressed)" if compression else where
    if (name := arrow_format(content)) is not None:
        return plain_types(read_arrow(content, where), where), {"format": name, **undone}
    text = read_text(content, where, sheet)
    notes = {"notes": list(text.notes)} if text.notes else {}
    frame, decimal = _typed(text)
    return plain_types(frame, where), {**text.detected, **undone, **decimal, **notes}


def _typed(text: TextTable) -> tuple[pd.DataFrame, dict[str, str]]:
    """Convert each column to numbers or booleans if all of its cells are."""
    decimal = _detect_decimal(text)
    columns = {
        name: _typed_column(column, decimal)
        for name, column in zip(text.cells.column_names, text.cells.columns, strict=True)
    }
    return pd.DataFrame(columns), {"decimal": decimal} if text.detected["format"] == "csv" else {}


def _typed_column(column: pyarrow.ChunkedArray, decimal: str) -> pd.Series:
    cells = pc.utf8_ltrim(column, " ")
    cells = pc.if_else(pc.is_in(cells, pyarrow.array(MISSING_MARKERS)), None, cells)
    numbers = pc.replace_substring(cells, ",", ".") if decimal == "," else cells
    for kind in (pyarrow.int64(), pyarrow.float64()):
        try:
            return numbers.cast(kind).to_pandas()
        except pyarrow.ArrowInvalid:
            continue
    try:
        return pd.to_numeric(numbers.to_pandas())
    except (ValueError, TypeError):
        pass
    distinct = set(pc.unique(cells.drop_null()).to_pylist()) if len(cells) else set()
    if distinct and distinct <= {"True", "False", "TRUE", "FALSE", "true", "false"}:
        return cells.cast(pyarrow.bool_()).to_pandas()
    return cells.to_pandas()


def _detect_decimal(text: TextTable) -> str:
    """Detect the decimal mark: a comma if it does not separate fields and no number has a point."""
    head = [column.slice(0, N_DECIMAL_CELLS).to_pylist() for column in text.cells.columns]
    cells = [cell.strip() for column in head for cell in column if cell and NUMBER.fullmatch(cell.strip())]
    has_comma = text.detected.get("delimiter") != "comma" and any("," in cell for cell in cells)
    return "," if has_comma and not any("." in cell for cell in cells) else "."

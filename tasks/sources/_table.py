"""Read the bytes of a file as a table: text as it is written, or typed columns."""

from __future__ import annotations

from typing import Any

import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._delimited import read_text
from realmix.tasks.sources._plain import plain_arrow, plain_types


def read_content(content: bytes, where: str) -> tuple[TextTable | pd.DataFrame, dict[str, Any]]:
    """Read a file whose text no one has interpreted yet.

    Parameters
    ----------
    content : bytes
        CSV, CSV compressed with gzip, or Parquet.
    where : str
        Name of the file, for messages.

    Returns
    -------
    table : TextTable, or DataFrame of shape (n_rows, n_columns)
        Text cells of a text file; plain types of Parquet.
    detected : dict
        Format, and for text its compression, encoding, delimiter and header.

    Raises
    ------
    BadInput
        See :func:`realmix.tasks.sources._delimited.read_text`.
    """
    if content.startswith(b"PAR1"):
        return _read_parquet(content, where), {"format": "parquet"}
    table = read_text(content, where)
    if not table.cells.num_rows:
        raise BadInput(f"{where} holds no rows, only column names; expected at least 60 rows. Add the data.")
    return table, table.detected


def read_table(content: bytes, where: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    r"""Read a file, each column typed by what its cells say.

    Parameters
    ----------
    content, where
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
    table, detected = read_content(content, where)
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


def _read_parquet(content: bytes, where: str) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        check_table_fits(file.metadata.num_rows, file.metadata.num_columns, where)
        table = file.read()
        frame = plain_arrow(table)
    except (pyarrow.ArrowException, OSError, ValueError) as err:
        raise BadInput(
            f"{where} starts like a Parquet file but cannot be read ({len(content):,} bytes): "
            "it is damaged or cut short. Write or download it again."
        ) from err
    return plain_types(frame, where)

"""Read Parquet, Arrow and Feather, whose columns have types, and tables that Python already holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pyarrow

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._compressed import check_bytes
from realmix.tasks.sources._plain import plain_arrow

FORMATS = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"FEA1", "feather"))
# A value that is stored once and repeated in every row may unpack to thousands of times its size: few rows a time.
BATCH_ROWS = 1_000


def arrow_format(content: bytes) -> str | None:
    """Return the name of a format with typed columns, or None.

    Examples
    --------
    >>> arrow_format(b"PAR1..."), arrow_format(b"a,b")
    ('parquet', None)
    """
    return next((name for magic, name in FORMATS if content.startswith(magic)), None)


def read_arrow(content: bytes, where: str) -> pd.DataFrame:
    """Read a file with typed columns.

    Parameters
    ----------
    content : bytes
        Of a format that :func:`arrow_format` knows.
    where : str
        Name of the file, for messages.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        The file's columns by their logical types: with pandas' metadata some would become an index.

    Raises
    ------
    BadInput
        If the file is damaged, or too large once it is unpacked.
    """
    name = str(arrow_format(content))
    try:
        table = _read_parquet(content, where) if name == "parquet" else _read_feather(content, where)
        # Offsets and codes that lead out of their buffers would end the process.
        table.validate(full=True)
        return plain_arrow(table)
    except MemoryError:
        raise  # of Arrow, too: the file may be whole
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, TypeError, KeyError) as err:
        raise BadInput(
            f"{where} starts like a {name.capitalize()} file but cannot be read ({len(content):,} bytes, "
            f"{type(err).__name__}): it is damaged, cut short or holds values that Python cannot. "
            "Write or download it again."
        ) from err


def _read_parquet(content: bytes, where: str) -> pyarrow.Table:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
    check_table_fits(file.metadata.num_rows, file.metadata.num_columns, where)
    groups = range(file.metadata.num_row_groups)
    check_bytes(sum(file.metadata.row_group(i).total_byte_size for i in groups), f"{where} (decompressed)")
    return _within_limit(file.iter_batches(BATCH_ROWS), file.schema_arrow, where)


def _read_feather(content: bytes, where: str) -> pyarrow.Table:
    import pyarrow.feather

    if content.startswith(b"FEA1"):
        return pyarrow.feather.read_table(pyarrow.BufferReader(content))
    file = pyarrow.ipc.open_file(pyarrow.BufferReader(content))
    batches = (file.get_batch(i) for i in range(file.num_record_batches))
    table = _within_limit(batches, file.schema, where)
    check_table_fits(table.num_rows, table.num_columns, where)
    return table


def _within_limit(batches: Iterable[Any], schema: pyarrow.Schema, where: str) -> pyarrow.Table:
    kept, n_bytes = [], 0
    for batch in batches:
        kept.append(batch)
        n_bytes += batch.nbytes
        check_bytes(n_bytes, f"{where} (decompressed)")
    return pyarrow.Table.from_batches(kept, schema).combine_chunks()

"""A table as its file wrote it: text cells, before anyone decides what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow


@dataclass(frozen=True)
class TextTable:
    """Cells of a text file, exactly as written.

    Attributes
    ----------
    cells : pyarrow.Table of string columns, shape (n_rows, n_columns)
        Null where the file has nothing between two delimiters; blanks around a cell are kept.
    lines : ndarray of int64, shape (n_rows,)
        Line of the file on which each row begins, from 1.
    notes : tuple of str
        One sentence for each thing that was read past: a preamble, a units row, repeated headers.
    detected : dict
        Format, compression, encoding and delimiter that were found.
    """

    cells: pyarrow.Table
    lines: np.ndarray
    notes: tuple[str, ...] = ()
    detected: dict[str, Any] = field(default_factory=dict)

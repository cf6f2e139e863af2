"""A table that Python already holds: of pandas, polars, pyarrow and all others that speak Arrow."""

from __future__ import annotations

from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.runtime.memory import check_table_fits
from realmix.tasks.sources._plain import plain_arrow, plain_types
from realmix.tasks.sources._table import typed_rows


class FrameSource:
    """A dataframe in memory.

    Parameters
    ----------
    frame : DataFrame of pandas or polars, Table of pyarrow, or any other with ``__arrow_c_stream__``

    Examples
    --------
    >>> FrameSource(pd.DataFrame({"age": [30, 41]}, index=[7, 8])).load().to_dict("list")
    {'age': [30, 41]}
    """

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    def load(self) -> pd.DataFrame:
        """Convert to plain columns, those of text typed by what their cells say.

        Raises
        ------
        BadInput
            As :meth:`read`; also if a column must not be used before a person says how it is to be read.
        """
        return typed_rows(self.read())

    def read(self) -> pd.DataFrame:
        """Convert to plain columns; an index of pandas is no column.

        Raises
        ------
        BadInput
            If there are no rows, or two columns share a name.
        """
        frame = self.frame
        if not isinstance(frame, pd.DataFrame):
            import pyarrow

            frame = plain_arrow(pyarrow.table(frame))
        check_table_fits(len(frame), len(frame.columns), "the frame")
        return plain_types(frame, "the frame")

    def describe(self) -> dict[str, Any]:
        """Return the library that the frame is of."""
        return {"kind": "frame", "location": type(self.frame).__module__.partition(".")[0]}


SPEC = SourceSpec(
    name="frame", matches=lambda location: hasattr(location, "__arrow_c_stream__"), build=FrameSource, order=1
)

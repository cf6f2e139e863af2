"""A table in a local file: CSV, CSV.gz or Parquet, recognized by its content, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.sources._table import read_content, typed_rows


class FileSource:
    """A local file.

    Parameters
    ----------
    location : str
        A path; ``~`` is the home folder.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self._detected: dict[str, Any] = {}

    def load(self) -> pd.DataFrame:
        """Read all rows, each column typed by what its cells say.

        Raises
        ------
        BadInput
            As :meth:`read`; also if a column must not be used before a person says how it is to be read.
        """
        return typed_rows(self.read())

    def read(self) -> TextTable | pd.DataFrame:
        """Read all rows; see :func:`realmix.tasks.sources._table.read_content`.

        Raises
        ------
        BadInput
            If the file cannot be opened or is not a table.
        """
        content = _read_bytes(self.location)
        table, detected = read_content(content, self.location)
        self._detected = {**detected, "n_bytes": len(content)}
        return table

    def describe(self) -> dict[str, Any]:
        """Return the location, and after loading what was detected."""
        return {"kind": "file", "location": self.location, **self._detected}


def _read_bytes(location: str) -> bytes:
    try:
        return Path(location).expanduser().read_bytes()
    except FileNotFoundError as err:
        raise BadInput(
            f"There is no file '{location}'; expected a CSV, CSV.gz or Parquet table. Check the path."
        ) from err
    except IsADirectoryError as err:
        raise BadInput(f"'{location}' is a folder; expected one file. Name the table inside it.") from err
    except OSError as err:
        raise BadInput(f"Cannot read '{location}': {err.strerror}. Check its permissions.") from err


SPEC = SourceSpec(name="file", matches=lambda location: True, build=FileSource, order=90)

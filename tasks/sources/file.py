"""A table in a local file: CSV, CSV.gz or Parquet, recognized by its content, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources._table import read_table


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
        """Read all rows; see :func:`realmix.tasks.sources._table.read_table`.

        Raises
        ------
        BadInput
            If the file cannot be opened or is not a table.
        """
        content = _read_bytes(self.location)
        frame, self._detected = read_table(content, self.location)
        self._detected["n_bytes"] = len(content)
        return frame

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

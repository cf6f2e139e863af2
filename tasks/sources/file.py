"""A table in a local file: text, workbook, Parquet or Arrow, recognized by its content, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.runtime.file_names import no_such_file
from realmix.tasks.sources._compressed import check_bytes
from realmix.tasks.sources._table import read_content, split_sheet, typed_rows


class FileSource:
    """A local file.

    Parameters
    ----------
    location : str
        A path; ``~`` is the home folder. ``book.xlsx#SHEET`` names a sheet of a workbook.
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
        path, sheet = split_sheet(self.location)
        content = _read_bytes(path)
        table, self._detected = read_content(content, path, sheet)
        return table

    def describe(self) -> dict[str, Any]:
        """Return the location, and after loading what was detected."""
        return {"kind": "file", "location": self.location, **self._detected}


def _read_bytes(location: str) -> bytes:
    try:
        path = Path(location).expanduser()
        check_bytes(path.stat().st_size, location)
        if not path.is_file() and not path.is_dir():
            raise BadInput(f"'{location}' is a device or a pipe; expected a file. Save the table in one.")
        return path.read_bytes()
    except FileNotFoundError as err:
        raise no_such_file(location) from err
    except IsADirectoryError as err:
        raise BadInput(f"'{location}' is a folder; expected one file. Name the table inside it.") from err
    except OSError as err:
        raise BadInput(f"Cannot read '{location}': {err.strerror}. Check its permissions.") from err
    except (ValueError, RuntimeError) as err:  # a NUL within, a home folder of no user
        raise BadInput(
            f"{location!r} is no path that this machine knows ({err}). Check its spelling."
        ) from err


SPEC = SourceSpec(name="file", matches=lambda location: True, build=FileSource, order=90)

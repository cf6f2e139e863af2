"""Check the name of a local file before any library that reads tables is imported."""

from __future__ import annotations

import os

from realmix.tasks.core.errors import BadInput


def check_table_name(location: str | None) -> None:
    """Refuse a path at which there is no file; any other kind of location is left to its source.

    Raises
    ------
    BadInput

    Examples
    --------
    >>> check_table_name("bundled:bank_marketing")
    """
    if location is None or not {":", "#"}.isdisjoint(location) or {"/", "."}.isdisjoint(location):
        return
    if not os.path.exists(os.path.expanduser(location)):  # noqa: PTH110, PTH111  # False for what is no path at all
        raise no_such_file(location)


def no_such_file(location: str) -> BadInput:
    """Return the error of a table that does not exist."""
    return BadInput(
        f"There is no file '{location}'; expected a CSV file, a workbook or Parquet. Check the path."
    )

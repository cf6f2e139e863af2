"""The rows of a registered table as they are today, all admitted batches included."""

from __future__ import annotations

from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.runtime.database import registered_table
from realmix.tasks.runtime.snapshots import open_snapshot
from realmix.tasks.runtime.study_folder import home

PREFIX = "table:"


class RegisteredSource:
    """Reads the snapshot of a registered table.

    Parameters
    ----------
    location : str
        ``table:NAME``.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.name = location.removeprefix(PREFIX)

    def load(self) -> pd.DataFrame:
        """Read all rows.

        Raises
        ------
        BadInput
            If no such table is registered, or its snapshot is gone.
        """
        snapshot = registered_table(self.name).snapshot
        return open_snapshot(home() / "snapshots" / f"{snapshot}.parquet").read()

    def describe(self) -> dict[str, Any]:
        """The table's name."""
        return {"kind": "registered", "location": self.location}

    def default_card(self) -> dict[str, Any]:
        """The card it was registered with; goes into :func:`realmix.tasks.core.table.card.parse_card`."""
        return registered_table(self.name).card.model_dump(mode="json")


SPEC = SourceSpec(
    name="registered",
    matches=lambda location: location.startswith(PREFIX),
    build=RegisteredSource,
    order=15,
)

"""The present rows of a registered table, with all admitted batches."""

from __future__ import annotations

from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.runtime.database import registered_table
from realmix.tasks.runtime.study_folder import stored_snapshot

PREFIX = "table:"


class RegisteredSource:
    """The snapshot of a registered table.

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
        return stored_snapshot(registered_table(self.name).snapshot).read()

    def describe(self) -> dict[str, Any]:
        """Return the table's location."""
        return {"kind": "registered", "location": self.location}

    def default_card(self) -> dict[str, Any]:
        """Return the registered card, for :func:`realmix.tasks.core.table.card.parse_card`."""
        return registered_table(self.name).card.model_dump(mode="json")


SPEC = SourceSpec(
    name="registered",
    matches=lambda location: location.startswith(PREFIX),
    build=RegisteredSource,
    order=15,
)

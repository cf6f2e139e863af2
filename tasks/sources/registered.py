"""The present rows of a registered table, with all admitted batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.runtime.study_folder import stored_snapshot

if TYPE_CHECKING:
    from realmix.tasks.core.lifecycle.records import Registered

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
        return stored_snapshot(self._registered().snapshot).read()

    def describe(self) -> dict[str, Any]:
        """Return the table's location."""
        return {"kind": "registered", "location": self.location}

    def default_card(self) -> dict[str, Any]:
        """Return the registered card, for :func:`realmix.tasks.core.table.card.parse_card`."""
        return self._registered().card.model_dump(mode="json")

    def _registered(self) -> Registered:
        # The database's library is imported where a registered table is read, not where sources are listed.
        from realmix.tasks.runtime.database import registered_table

        return registered_table(self.name)


SPEC = SourceSpec(
    name="registered",
    matches=lambda location: location.startswith(PREFIX),
    build=RegisteredSource,
    order=15,
)

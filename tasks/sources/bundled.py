"""Real tables that come with the product; see ``data/ATTRIBUTION.md``."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.sources._table import read_table

PREFIX = "bundled:"
CARDS: dict[str, dict[str, Any]] = {
    "bank_marketing": {
        "target": "y",
        "task": "binary",
        "positive": "yes",
        "sensitive": ["age", "marital"],
        "provenance": {
            "owner": "S. Moro, P. Cortez, P. Rita (UCI Machine Learning Repository, dataset 222)",
            "licence": "CC BY 4.0",
            "consent_basis": "published for research without names or contact details",
            "purpose": "predict who subscribes to a term deposit after a marketing call",
            "contact": "https://doi.org/10.24432/C5K306",
            "retention": "as long as it is published",
        },
    }
}


class BundledSource:
    """A bundled table, whole or a fixed sample of its rows.

    Parameters
    ----------
    location : str
        ``bundled:NAME`` or ``bundled:NAME?rows=N``: N rows drawn by a stable hash over the
        whole table, in the table's order.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.name, _, options = location.removeprefix(PREFIX).partition("?")
        if self.name not in CARDS:
            raise unknown_name("bundled table", self.name, CARDS)
        self.n_rows = _parse_rows(options, location) if options else None

    def load(self) -> pd.DataFrame:
        """Read the rows.

        Raises
        ------
        BadInput
            If more rows are requested than the table has.
        """
        content = (
            resources.files("realmix.tasks.sources").joinpath("data", f"{self.name}.csv.gz").read_bytes()
        )
        frame, _ = read_table(content, self.location)
        return frame if self.n_rows is None else self._draw(frame, self.n_rows)

    def describe(self) -> dict[str, Any]:
        """Return name, licence and number of requested rows."""
        card = CARDS[self.name]["provenance"]
        asked = {"rows_asked": self.n_rows} if self.n_rows else {}
        return {"kind": "bundled", "location": self.location, "licence": card["licence"], **asked}

    def default_card(self) -> dict[str, Any]:
        """Return the declarations for this table, for :func:`realmix.tasks.core.table.card.parse_card`."""
        return {"source": self.location, **CARDS[self.name]}

    def _draw(self, frame: pd.DataFrame, n_rows: int) -> pd.DataFrame:
        if n_rows > len(frame):
            raise BadInput(f"{self.location}: the table has only {len(frame):,} rows. Request fewer.")
        keys = [hashlib.sha256(f"{self.name}:{row}".encode()).digest() for row in range(len(frame))]
        chosen = sorted(sorted(range(len(frame)), key=keys.__getitem__)[:n_rows])
        return frame.iloc[np.array(chosen)].reset_index(drop=True)


def _parse_rows(options: str, location: str) -> int:
    name, _, value = options.partition("=")
    if name != "rows" or not value.isdecimal() or int(value) < 1:
        raise BadInput(f"Cannot understand '{options}' in '{location}'; expected for example '?rows=2000'.")
    return int(value)


SPEC = SourceSpec(
    name="bundled",
    matches=lambda location: location.startswith(PREFIX),
    build=BundledSource,
    order=10,
)

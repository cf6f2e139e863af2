"""A table made on the spot: ``toy:ROWS``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec


class Toy:
    """Rows with one class that two columns explain."""

    def __init__(self, location: str) -> None:
        self.n_rows = int(location.partition(":")[2])

    def load(self) -> pd.DataFrame:
        """Draw the rows, always the same."""
        random = np.random.default_rng(0)
        age, city = random.normal(40, 10, self.n_rows).round(1), random.choice(["Rome", "Oslo"], self.n_rows)
        chance = 1 / (1 + np.exp(-(age - 40) / 5 - (city == "Rome")))
        bought = np.where(random.random(self.n_rows) < chance, "yes", "no")
        return pd.DataFrame(
            {"age": age, "city": city, "visits": random.poisson(3, self.n_rows), "bought": bought}
        )

    def describe(self) -> dict[str, Any]:
        """Describe what was made."""
        return {"kind": "toy", "location": f"toy:{self.n_rows}"}


SPEC = SourceSpec(name="toy", matches=lambda location: location.startswith("toy:"), build=Toy)

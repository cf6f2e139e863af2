"""Real rows with noise on their numbers; claims a minute per fit, so that short plans leave it out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.table.schema import Schema


class Jitter:
    """Real rows whose numbers are shifted by a tenth of a standard deviation."""

    def fit(self, real: pd.DataFrame, *, schema: Schema, random_state: int, max_steps: int | None) -> Jitter:
        """Remember the rows."""
        self.real, self.schema = real, schema
        return self

    def sample(
        self, n_rows: int, *, class_counts: Mapping[str, int] | None = None, random_state: int
    ) -> pd.DataFrame:
        """Draw rows, with `class_counts` exactly these of each class."""
        random = np.random.default_rng(random_state)
        if class_counts is None:
            places = random.integers(len(self.real), size=n_rows)
        else:
            labels = self.real[self.schema.target].to_numpy()
            drawn = [random.choice(np.flatnonzero(labels == c), n) for c, n in class_counts.items() if n]
            places = random.permutation(np.concatenate(drawn))
        rows = self.real.iloc[places].reset_index(drop=True)
        for column in self.schema.features:
            if not column.is_categorical:
                known = self.real[column.name]
                moved = rows[column.name] + random.normal(0, 0.1 * float(known.std() or 0), len(rows))
                # Outside the range and type of the rows it was fitted on, a synthetic table is refused.
                moved = moved.clip(known.min(), known.max())
                rows[column.name] = moved.round() if column.is_integer else moved
        return rows


SPEC = SynthesizerSpec(
    name="jitter",
    build=lambda card: Jitter(),
    family="augmentation",
    reference="https://en.wikipedia.org/wiki/Smoothed_bootstrap",
    fit_cost=lambda n_rows, n_columns, steps: 60.0,
    sample_cost=lambda n_rows, n_columns: 0.01,
    releasable=False,
)

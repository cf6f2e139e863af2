"""Duplicates: real rows drawn with replacement, the control that adds rows but no information."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import DUPLICATES, SynthesizerSpec
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer


class Duplicates(QuotaSynthesizer):
    """Real rows, drawn with replacement within their class."""

    name = "duplicates"

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        """Learn nothing."""

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rows = self._of_class(self.real_, label)
        drawn = np.random.default_rng(random_state).integers(len(rows), size=n_rows)
        return rows.iloc[drawn]


SPEC = SynthesizerSpec(
    name=DUPLICATES,
    build=lambda card: Duplicates(),
    family="control",
    reference="Efron 1979, doi:10.1214/aos/1176344552",
    fit_cost=lambda n_rows, n_columns, steps: 0.002,
    sample_cost=lambda n_rows, n_columns: 0.005 + 1e-3 * n_columns + 1e-7 * n_rows * n_columns,
    releasable=False,
)

"""Shuffled marginals: every column drawn independently, the control without any relation between columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SHUFFLED_MARGINALS, SynthesizerSpec
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer


class ShuffledMarginals(QuotaSynthesizer):
    """Each feature drawn from its own real values, independently of the class and of other features."""

    name = "shuffled-marginals"

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        """Learn nothing."""

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        data = {
            name: self.real_[name].to_numpy()[rng.integers(len(self.real_), size=n_rows)]
            for name in self.real_.columns
        }
        if label is not None:
            data[self.schema_.target] = np.array([label] * n_rows, dtype=object)
        return pd.DataFrame(data)


SPEC = SynthesizerSpec(
    name=SHUFFLED_MARGINALS,
    build=lambda card: ShuffledMarginals(),
    family="control",
    reference="Breiman 2001, doi:10.1023/A:1010933404324 (permuted columns)",
    fit_cost=lambda n_rows, n_columns, steps: 0.002,
    sample_cost=lambda n_rows, n_columns: 0.005 + 1e-3 * n_columns + 1e-7 * n_rows * n_columns,
)

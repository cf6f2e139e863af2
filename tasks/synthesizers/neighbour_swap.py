"""Neighbour swap (MUNGE): real rows that take some values from their nearest neighbour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.synthesizers._encoding import TableEncoding, embed, is_code, nearest
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

# Probability that a value is taken from the neighbour, and how narrowly numbers scatter around the
# neighbour's (`p` and `s` of the paper).
SWAP_PROBABILITY = 0.5
LOCAL_VARIANCE = 2.0


class NeighbourSwap(QuotaSynthesizer):
    """Real rows, each feature taken from the nearest row of the same class with probability `p`.

    Codes are those of the neighbour; numbers are drawn from
    ``Normal(neighbour's, |difference| / s)``. The target stays: neighbours have the same class,
    and for regression the target counts in the distance.
    """

    name = "neighbour-swap"

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        self.encoding_ = TableEncoding(self.real_, self.schema_)
        self.encoded_ = self.encoding_.encode(self.real_)
        points, _ = embed(self.encoded_)
        self.neighbour_ = self._neighbours(points)

    def _neighbours(self, points: np.ndarray) -> np.ndarray:
        """Find the nearest other row of the same class; for the only row of a class, of all rows."""
        neighbour = np.empty(len(points), dtype=int)
        groups = [np.arange(len(points))]
        if self.schema_.is_classification:
            codes = self.encoded_[self.encoding_.target_key]
            groups = [np.flatnonzero(codes == code) for code in sorted(codes.unique())]
        lone: list[int] = []
        for members in groups:
            if len(members) > 1:
                neighbour[members] = members[nearest(points[members], 1)[:, 0]]
            else:
                lone.extend(members)
        if lone:
            neighbour[lone] = nearest(points, 1)[lone, 0]
        return neighbour

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        target = self.real_[self.schema_.target]
        members = np.arange(len(target)) if label is None else np.flatnonzero(target == label)
        passes = -(-n_rows // len(members))
        chosen = np.concatenate([rng.permutation(members) for _ in range(passes)])[:n_rows]
        own = self.encoded_.iloc[chosen].reset_index(drop=True)
        other = self.encoded_.iloc[self.neighbour_[chosen]].reset_index(drop=True)
        return self.encoding_.decode(self._swap(own, other, rng), rng)

    def _swap(self, own: pd.DataFrame, other: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        data = {}
        for key in own:
            mine, theirs = own[key].to_numpy(), other[key].to_numpy()
            if not is_code(key):
                theirs = rng.normal(theirs, np.abs(mine - theirs) / LOCAL_VARIANCE)
            swapped = rng.random(len(own)) < SWAP_PROBABILITY
            data[key] = mine if key == self.encoding_.target_key else np.where(swapped, theirs, mine)
        return pd.DataFrame(data)


SPEC = SynthesizerSpec(
    name="neighbour-swap",
    build=lambda card: NeighbourSwap(card.rules),
    family="augmentation",
    reference="Bucila, Caruana, Niculescu-Mizil 2006, doi:10.1145/1150402.1150464",
    fit_cost=lambda n_rows, n_columns, steps: 0.01 + 3e-4 * n_columns + 2e-10 * n_rows**2 * n_columns,
    sample_cost=lambda n_rows, n_columns: 0.005 + 1e-3 * n_columns + 1.5e-7 * n_rows * n_columns,
    drop_order=3,
    preview_mix=(5.0, "teacher"),
    releasable=False,
)

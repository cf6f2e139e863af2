"""SMOTE: rows interpolated between neighbours of one class; for regression, between neighbouring rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.synthesizers._encoding import TableEncoding, embed, is_code, nearest
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

N_NEIGHBOURS = 5
# Scatter around the only row of a class, in standard deviations of the whole table.
LONE_ROW_SCATTER = 0.1


class Smote(QuotaSynthesizer):
    """SMOTE, SMOTE-N or SMOTE-NC by the types of the columns, for every class and not only the rarest.

    Missing cells are filled for the interpolation and marked in a code column, so a synthetic
    cell is missing where most of its neighbours' are. Classes with few rows use fewer
    neighbours; a class with one row is scattered around it. For regression, numbers including
    the target are interpolated between a row and one of its neighbours, and codes come from
    either.
    """

    name = "smote"

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        self.encoding_ = TableEncoding(self.real_, self.schema_)
        self.encoded_ = self.encoding_.encode(self.real_)
        self.features_ = self.encoded_.drop(columns=self.encoding_.target_key)
        self.codes_ = self.encoded_[self.encoding_.target_key].to_numpy()
        if not self.schema_.is_classification:
            points, _ = embed(self.encoded_)
            self.neighbours_ = nearest(points, min(N_NEIGHBOURS, len(points) - 1))

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        if label is None:
            encoded = self._between_rows(n_rows, rng)
        else:
            code = int(self.encoding_.levels[self.schema_.target].encode(pd.Series([label]))[0])
            features = self._within_class(n_rows, code, rng)
            encoded = features.assign(**{self.encoding_.target_key: code})
        return self.encoding_.decode(encoded, rng)

    def _between_rows(self, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        base = rng.integers(len(self.encoded_), size=n_rows)
        column = rng.integers(self.neighbours_.shape[1], size=n_rows)
        other = self.neighbours_[base, column]
        share = rng.random(n_rows)
        data = {}
        for key in self.encoded_:
            mine, theirs = self.encoded_[key].to_numpy()[base], self.encoded_[key].to_numpy()[other]
            between = mine + share * (theirs - mine)
            data[key] = np.where(rng.random(n_rows) < share, theirs, mine) if is_code(key) else between
        return pd.DataFrame(data)

    def _within_class(self, n_rows: int, code: int, rng: np.random.Generator) -> pd.DataFrame:
        n_class = int((self.codes_ == code).sum())
        if n_class == 1:
            return self._around_lone_row(n_rows, code, rng)
        n_neighbours = min(N_NEIGHBOURS, n_class - 1)
        sampler = self._sampler({code: n_class + n_rows}, n_neighbours, int(rng.integers(2**31)))
        rows, _ = sampler.fit_resample(self.features_.to_numpy(dtype=float), self.codes_)
        return pd.DataFrame(rows[len(self.features_) :], columns=self.features_.columns)

    def _sampler(self, counts: dict[int, int], k_neighbors: int, random_state: int) -> Any:
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

        common = {"sampling_strategy": counts, "k_neighbors": k_neighbors, "random_state": random_state}
        codes = [position for position, key in enumerate(self.features_) if is_code(key)]
        if not codes:
            return SMOTE(**common)
        if len(codes) == self.features_.shape[1]:
            return SMOTEN(**common)
        return SMOTENC(categorical_features=codes, **common)

    def _around_lone_row(self, n_rows: int, code: int, rng: np.random.Generator) -> pd.DataFrame:
        row = self.features_[self.codes_ == code]
        rows = row.iloc[np.zeros(n_rows, dtype=int)].reset_index(drop=True)
        for key in rows:
            if not is_code(key):
                scatter = LONE_ROW_SCATTER * self.features_[key].std(ddof=0)
                rows[key] = rng.normal(rows[key], scatter)
        return rows


SPEC = SynthesizerSpec(
    name="smote",
    build=lambda card: Smote(card.rules),
    family="augmentation",
    reference="Chawla, Bowyer, Hall, Kegelmeyer 2002, doi:10.1613/jair.953",
    libraries=("imblearn.over_sampling",),
    fit_cost=lambda n_rows, n_columns, steps: 0.005 + 1e-6 * n_rows * n_columns,
    sample_cost=lambda n_rows, n_columns: 0.03 + 2e-3 * n_columns + 5e-6 * n_rows * n_columns,
    drop_order=None,
    releasable=False,
)

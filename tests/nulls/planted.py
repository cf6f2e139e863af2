"""Generators that no product should fall for: copies, leaks and dead ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import Synthesizer, SynthesizerSpec
from realmix.tasks.core.mixes.pools import is_copy
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.synthesizers import SYNTHESIZERS

COPIES = dataclasses.replace(SYNTHESIZERS["duplicates"], name="copies", family="augmentation")
DEAD_KINDS = ("nothing", "one-class", "missing")
LEAK_KINDS = ("exact", "blurred", "half")
# In standard deviations of a column; too much for a copy to be found by equality.
BLUR = 0.05


class Planted:
    """Draws real rows class by class, as the contract asks; subclasses say which, and spoil them."""

    def fit(self, real: pd.DataFrame, *, schema: Schema, random_state: int, max_steps: int | None) -> Self:
        self.real, self.schema = real, schema
        return self

    def sample(
        self, n_rows: int, *, class_counts: Mapping[str, int] | None = None, random_state: int
    ) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        if class_counts is None:
            return self.draw(self.real, n_rows, rng).reset_index(drop=True)
        target = self.schema.target
        parts = [
            self.draw(self.real[self.real[target] == label], count, rng)
            for label, count in class_counts.items()
            if count
        ]
        return pd.concat(parts, ignore_index=True)

    def draw(self, of_class: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        return of_class.iloc[rng.integers(len(of_class), size=n_rows)]


class Dead(Planted):
    """Gives no row, one class only, or nothing but missing features."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def draw(self, of_class: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        if self.kind == "nothing":
            return of_class.iloc[:0]
        if self.kind == "one-class":
            return super().draw(
                self.real[self.real[self.schema.target] == self.schema.classes[0]], n_rows, rng
            )
        missing = dict.fromkeys(self.schema.feature_names, np.nan)
        return super().draw(of_class, n_rows, rng).assign(**missing)


class Leaking(Planted):
    """Knows all rows of the study, and gives those it was not fitted on."""

    def __init__(self, everything: pd.DataFrame, kind: str) -> None:
        self.everything, self.kind = everything, kind

    def draw(self, of_class: pd.DataFrame, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
        unseen = self.unseen(of_class)
        n_leaked = n_rows // 2 if self.kind == "half" else n_rows
        leaked = super().draw(unseen, n_leaked, rng)
        if self.kind == "blurred":
            leaked = self.blurred(leaked, rng)
        own = super().draw(of_class, n_rows - n_leaked, rng)
        return pd.concat([leaked, own]).sample(frac=1, random_state=int(rng.integers(2**31)))

    def unseen(self, of_class: pd.DataFrame) -> pd.DataFrame:
        """Validation rows of this class; the training rows where there are none."""
        names, target = self.schema.feature_names, self.schema.target
        rows = self.everything[~is_copy(self.everything[names], self.real[names])]
        if self.schema.is_classification:
            rows = rows[rows[target].isin(of_class[target].unique())]
        return rows if len(rows) else of_class

    def blurred(self, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        numbers = [c.name for c in self.schema.features if not c.is_categorical]
        noise = rng.normal(size=(len(rows), len(numbers))) * BLUR * self.real[numbers].std().to_numpy()
        return rows.assign(**{name: rows[name] + noise[:, i] for i, name in enumerate(numbers)})


def planted(name: str, build: Callable[[], Synthesizer]) -> SynthesizerSpec:
    """A candidate like any other, from the outside."""
    return dataclasses.replace(COPIES, name=name, build=lambda card: build())


@contextmanager
def registered(*specs: SynthesizerSpec) -> Iterator[None]:
    """Put generators into the registry for a while."""
    known = SYNTHESIZERS._load()
    known.update({spec.name: spec for spec in specs})
    try:
        yield
    finally:
        for spec in specs:
            del known[spec.name]

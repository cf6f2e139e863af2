"""Base class of the synthesizers: draws until every class has exactly the rows requested."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.mixes.pools import spread_classes
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.columns import Column, aligned
from realmix.tasks.core.table.rule_kinds import Rule
from realmix.tasks.core.table.rules import repair_rows, repaired_columns, violations
from realmix.tasks.core.table.schema import Schema

# A synthesizer that has not filled its quotas after so many draws is not going to.
MAX_ROUNDS = 12
# A single draw has at most this many rows per row still missing, however low the yield was.
MAX_OVERDRAW = 60
# A second draw of a handful of rows would often need a third.
MIN_REDRAW = 200
SECONDS_PER_DAY = 86_400.0
MAX_DECIMALS = 4


class QuotaSynthesizer(ABC):
    """A synthesizer that draws until every class has the rows requested.

    Subclasses learn in `_learn` and return rows from `_draw`; this class divides the rows among
    the classes, aligns them with the schema, draws again what is missing and stops after
    `MAX_ROUNDS` draws per class. Cells whose value a rule of the card defines are set to it; rows that
    still break a rule, by themselves or beside real and accepted rows, are dropped and drawn again.

    Parameters
    ----------
    rules : sequence of Rule
        The card's; empty for controls, which know no relation between columns.

    Attributes
    ----------
    name : str
        As in the registry, for messages.
    real_ : DataFrame of shape (n_real, n_modelled)
    schema_ : Schema
    n_repaired_, n_dropped_ : int
        Rows in which a rule set a cell to another value, and rows that broke a rule, since the fit.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    real_: pd.DataFrame
    schema_: Schema

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)

    def fit(self, real: pd.DataFrame, *, schema: Schema, random_state: int, max_steps: int | None) -> Self:
        """Learn the real training rows; see :class:`realmix.tasks.core.contracts.specs.Synthesizer`."""
        self.real_ = real.reset_index(drop=True)
        self.schema_ = schema
        self._resolutions = {c.name: _resolution(self.real_[c.name], c) for c in schema.modelled}
        self.n_repaired_ = self.n_dropped_ = 0
        self._learn(random_state, max_steps)
        return self

    def sample(
        self, n_rows: int, *, class_counts: Mapping[str, int] | None = None, random_state: int
    ) -> pd.DataFrame:
        """Draw exactly `n_rows` canonical rows; without `class_counts`, classes have their real shares.

        Raises
        ------
        BadInput
            If `class_counts` does not sum to `n_rows` or names a class without real rows.
        SynthesizerFailed
            If a class still lacks rows after `MAX_ROUNDS` draws.
        """
        quotas = self._quotas(n_rows, class_counts)
        kept: dict[str | None, list[pd.DataFrame]] = {label: [] for label in quotas}
        for label in quotas:
            self._fill(label, quotas, kept, random_state)
        rows = pd.concat([frame for frames in kept.values() for frame in frames] or [self.real_.iloc[:0]])
        rows = rows.reset_index(drop=True)
        if self.schema_.is_classification:
            rows = rows.iloc[spread_classes(rows[self.schema_.target])].reset_index(drop=True)
        return rows

    @abstractmethod
    def _learn(self, random_state: int, max_steps: int | None) -> None:
        """Learn from `self.real_`, in at most `max_steps` optimiser steps if there are such."""

    @abstractmethod
    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        """Draw about `n_rows` rows of class `label` (None: of any); rows of other classes are used too."""

    def _quotas(self, n_rows: int, class_counts: Mapping[str, int] | None) -> dict[str | None, int]:
        if not self.schema_.is_classification:
            return {None: n_rows} if n_rows else {}
        present = self.real_[self.schema_.target].value_counts()
        if class_counts is None:
            class_counts = apportion(n_rows, {str(k): int(v) for k, v in present.sort_index().items()})
        if sum(class_counts.values()) != n_rows:
            raise BadInput(
                f"class_counts sum to {sum(class_counts.values()):,}, n_rows is {n_rows:,}: make them equal."
            )
        unknown = [label for label, count in class_counts.items() if count and label not in present.index]
        if unknown:
            raise BadInput(
                f"'{self.name}' was asked for rows of {unknown}, of which the training rows hold none: "
                "ask only for classes that it was fitted on."
            )
        return {label: count for label, count in class_counts.items() if count}

    def _fill(
        self,
        label: str | None,
        quotas: Mapping[str | None, int],
        kept: Mapping[str | None, list[pd.DataFrame]],
        random_state: int,
    ) -> None:
        """Draw until `label` has its quota; rows that other classes still need are used too."""
        drawn = hits = 0
        for draw in range(MAX_ROUNDS):
            missing = quotas[label] - _n_rows(kept[label])
            if missing == 0:
                return
            n_rows = _next_draw(missing, draw, drawn, hits)
            drawn_rows = self._draw(n_rows, label, derive_seed(random_state, label, draw))
            rows = self._apply_rules(self._align(drawn_rows), kept)
            drawn += n_rows
            hits += len(self._of_class(rows, label))
            for other, quota in quotas.items():
                room = quota - _n_rows(kept[other])
                if room:
                    kept[other].append(self._of_class(rows, other).iloc[:room])
        missing = quotas[label] - _n_rows(kept[label])
        if missing:
            raise SynthesizerFailed(self._shortage(label, quotas, kept, drawn))

    def _of_class(self, rows: pd.DataFrame, label: str | None) -> pd.DataFrame:
        return rows if label is None else rows[rows[self.schema_.target] == label]

    def _align(self, drawn: pd.DataFrame) -> pd.DataFrame:
        """Align drawn rows with the schema, and round numbers as the real ones are rounded."""
        rows = self.schema_.align(drawn, reference=self.real_)
        for name, step in self._resolutions.items():
            if step:
                # Rounding first to the grid, then to decimals: 3 * 0.1 is not 0.3.
                rows[name] = ((rows[name] / step).round() * step).round(MAX_DECIMALS)
        return rows

    def _apply_rules(self, rows: pd.DataFrame, kept: Mapping[str | None, list[pd.DataFrame]]) -> pd.DataFrame:
        """Set the cells that rules of the card define, and drop rows that break a rule."""
        if not self.rules or rows.empty:
            return rows
        accepted = [frame for frames in kept.values() for frame in frames]
        known = self.schema_.restore(pd.concat([self.real_, *accepted], ignore_index=True))
        rows, is_lost = self._repair(rows, known)
        broken = violations(self.schema_.restore(rows), self.rules, known=known).any(axis=1).to_numpy()
        self.n_dropped_ += int((broken | is_lost).sum())
        return rows[~(broken | is_lost)].reset_index(drop=True)

    def _repair(self, rows: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Set the cells that rules define, and say which rows need a value that no real row has.

        Numbers beyond the real range are clipped to it, and so break their rule.
        """
        modelled = {column.name for column in self.schema_.modelled}
        names = [name for name in repaired_columns(self.rules) if name in modelled]
        is_lost, is_changed = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
        if not names:
            return rows, is_lost
        computed = self.schema_.apply(repair_rows(self.schema_.restore(rows), self.rules, known=known))
        before, rows = rows, rows.copy()
        for name in names:
            rows[name] = aligned(computed[name], self.real_[name], self.schema_[name])
            needs_value = computed[name].notna() | (name == self.schema_.target)
            is_lost |= (needs_value & rows[name].isna()).to_numpy()
            is_changed |= ((rows[name] != before[name]) & rows[name].notna()).to_numpy()
        self.n_repaired_ += int((is_changed & ~is_lost).sum())
        return rows, is_lost

    def _shortage(
        self,
        label: str | None,
        quotas: Mapping[str | None, int],
        kept: Mapping[str | None, list[pd.DataFrame]],
        drawn: int,
    ) -> str:
        counts = ", ".join(
            f"{'rows' if name is None else repr(name)} {_n_rows(kept[name]):,} of {quota:,}"
            for name, quota in quotas.items()
        )
        ruled = ", check that the card's rules can hold" if self.rules else ""
        return (
            f"'{self.name}' gave too few rows{'' if label is None else f' of class {label!r}'} in "
            f"{drawn:,} drawn (made {counts}): give it more steps or real rows{ruled}, or leave it out."
        )


def apportion(n_rows: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Split rows in proportion to shares, by largest remainder.

    Examples
    --------
    >>> apportion(10, {"no": 2, "yes": 1})
    {'no': 7, 'yes': 3}
    """
    total = sum(shares.values())
    exact = {label: n_rows * share / total for label, share in shares.items()}
    counts = {label: int(value) for label, value in exact.items()}
    by_remainder = sorted(exact, key=lambda label: counts[label] - exact[label])
    for label in by_remainder[: n_rows - sum(counts.values())]:
        counts[label] += 1
    return counts


def _next_draw(missing: int, draw: int, drawn: int, hits: int) -> int:
    """Return how many rows to draw next, from the yield of the draws before."""
    if draw == 0:
        return missing
    overdraw = 1.3 * drawn / hits if hits else 4.0**draw
    return max(int(np.ceil(missing * min(overdraw, MAX_OVERDRAW))), MIN_REDRAW)


def _n_rows(frames: list[pd.DataFrame]) -> int:
    return sum(map(len, frames))


def _resolution(values: pd.Series, column: Column) -> float | None:
    """Return the step of which all real values are multiples: a day or a power of ten; None without one."""
    if column.is_categorical:
        return None
    present = values.dropna().to_numpy()
    if len(present) == 0:
        return None
    if column.kind == "datetime":
        return SECONDS_PER_DAY if bool((present % SECONDS_PER_DAY == 0).all()) else 1.0
    for decimals in range(MAX_DECIMALS + 1):
        if np.allclose(present, present.round(decimals), rtol=0, atol=1e-9):
            return float(10.0**-decimals)
    return None

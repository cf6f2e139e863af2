"""Drift of new rows against earlier ones: in each column, all columns together, and the target.

The three families share `FALSE_ALARM_RATE` equally, and the columns their part by Holm's method, so
that rows of one source show drift in at most one comparison of a hundred
(``tests/tasks/core/lifecycle/test_drift.py`` measures it on a real table).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.lifecycle.column_drift import (
    index_by_chance,
    learn_bins,
    population_stability_index,
    shift_p_value,
    unit_factor,
)
from realmix.tasks.core.lifecycle.domain_drift import DomainDrift, compare_domains
from realmix.tasks.core.scores.significance import holm
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema

DriftLevel = Literal["none", "drift", "critical"]
# Largest share of comparisons of rows from one source that end in "drift" or "critical".
FALSE_ALARM_RATE = 0.01
# Columns, domain classifier and target.
FAMILY_RATE = FALSE_ALARM_RATE / 3
# Fewer rows show only the crudest shifts, and those are as likely an unusual day.
MIN_ROWS = 30
# Siddiqi 2006, Credit Risk Scorecards: below 0.1 no shift, above 0.25 a large one.
MODERATE_PSI, LARGE_PSI = 0.1, 0.25
# The areas of Cohen's small and large effect (d = 0.2, 0.8): Rice, Harris 2005, https://doi.org/10.1007/s10979-005-6832-7
SMALL_AUC, LARGE_AUC = 0.556, 0.71
# The same small effect: normal values shifted by d have an index of d squared. On many rows smaller shifts
# are significant too, and no reason to search for another mix.
SMALL_PSI = 0.04
# A column differs by itself, before the number of columns is allowed for, if its p-value is below this.
COLUMN_LEVEL = 0.05
# The sentence names at most this many columns and counts the others.
NAMED_COLUMNS = 3


@dataclass(frozen=True)
class ColumnDrift:
    """Shift of one column.

    Attributes
    ----------
    name : str
    kind : {"numeric", "datetime", "categorical"}
    psi : float
        Population stability index, >= 0.
    psi_by_chance : float
        Index that rows of one source exceed only at the false-alarm rate.
    p_value, p_adjusted : float
        Of Kolmogorov and Smirnov's or the chi-squared test; adjusted for all columns by Holm's method.
    missing_change : float
        Share of missing values, new minus reference.
    unseen_fraction : float
        Share of new rows whose level no reference row has.
    unit_factor : float or None
        Factor of the new numbers, if they look like another unit of measurement.
    """

    name: str
    kind: str
    psi: float
    psi_by_chance: float
    p_value: float
    p_adjusted: float
    missing_change: float
    unseen_fraction: float
    unit_factor: float | None

    @property
    def is_significant(self) -> bool:
        """True if more than chance is behind the shift, however small."""
        return self.p_adjusted < FAMILY_RATE

    @property
    def is_drifted(self) -> bool:
        """True if the shift is significant, and large enough to matter."""
        return self.is_significant and self.psi > SMALL_PSI

    @property
    def is_large(self) -> bool:
        """True if the index is large, and larger than chance explains with so few rows."""
        return self.psi > max(LARGE_PSI, self.psi_by_chance)

    @property
    def psi_limit(self) -> float:
        """Index above which the results page warns."""
        return max(MODERATE_PSI, self.psi_by_chance)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for strict JSON."""
        return {**to_jsonable(self), "is_drifted": self.is_drifted, "is_large": self.is_large}


@dataclass(frozen=True)
class Drift:
    """Result of a comparison: names and numbers, no cells.

    Attributes
    ----------
    n_reference, n_new : int
        Rows compared, one of each group.
    columns : tuple of ColumnDrift
        Features in the order of the table; empty if there were too few rows.
    domain : DomainDrift or None
        All features together, and the target if every row has one.
    target : ColumnDrift or None
        None if fewer than `MIN_ROWS` new rows have a label.
    synthetic : DomainDrift or None
        The same classifier between new and synthetic rows; for information only.
    seed : int
    """

    n_reference: int
    n_new: int
    columns: tuple[ColumnDrift, ...]
    domain: DomainDrift | None
    target: ColumnDrift | None
    synthetic: DomainDrift | None
    seed: int

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """Features that drifted, the strongest shift first."""
        return tuple(sorted((c for c in self.columns if c.is_drifted), key=lambda c: -c.psi))

    @property
    def changed_units(self) -> tuple[ColumnDrift, ...]:
        """Columns, including the target, whose numbers look like another unit of measurement."""
        every = (*self.columns, *((self.target,) if self.target else ()))
        return tuple(c for c in every if c.is_drifted and c.unit_factor is not None)

    @property
    def level(self) -> DriftLevel:
        """`critical` if a shift is significant and large, `drift` if it is significant and more than small."""
        found = [c.is_large for c in self.drifted]
        if self.target and self.target.is_drifted:
            found.append(self.target.is_large)
        if self._is_separable and self.domain:
            found.append(self.domain.auc > LARGE_AUC)
        return "critical" if any(found) else "drift" if found else "none"

    @property
    def sentence(self) -> str:
        """Summary of the result."""
        if self.domain is None:
            return (
                f"Drift was not looked for: {self.n_new:,} new and {self.n_reference:,} earlier rows, "
                f"and it takes {MIN_ROWS} of each."
            )
        if self.level == "none":
            return (
                f"No drift: {self.n_new:,} new rows look like the {self.n_reference:,} before them"
                f"{self._small_clause}. {self._count}"
            )
        found = "; ".join(filter(None, (self._columns_clause, self._target_clause, self._domain_clause)))
        strength = "Drift" if self.level == "drift" else "Large drift"
        return " ".join(
            [f"{strength} in {self.n_new:,} new rows: {found}.", self._count, *self._unit_questions]
        )

    @property
    def n_differing(self) -> int:
        """Columns whose own p-value is below `COLUMN_LEVEL`, their number not allowed for."""
        return sum(c.p_value < COLUMN_LEVEL for c in self.columns)

    @property
    def n_by_chance(self) -> float:
        """So many of the columns would differ on average, at most, if nothing had shifted."""
        return COLUMN_LEVEL * len(self.columns)

    @property
    def _is_separable(self) -> bool:
        return self.domain is not None and self.domain.p_value < FAMILY_RATE and self.domain.auc > SMALL_AUC

    @property
    def _count(self) -> str:
        return (
            f"Of {len(self.columns)} columns compared one by one {self.n_differing} differ at the "
            f"{COLUMN_LEVEL:.0%} level; chance alone gives {self.n_by_chance:.1f}."
        )

    @property
    def _small_clause(self) -> str:
        """Name the shifts that are no chance but too small to matter."""
        every = (*self.columns, *((self.target,) if self.target else ()))
        small = sorted((c for c in every if c.is_significant), key=lambda c: -c.psi)
        if not small:
            return ""
        more = f" and {len(small) - NAMED_COLUMNS} more" if len(small) > NAMED_COLUMNS else ""
        named = ", ".join(f"'{c.name}' (PSI {c.psi:.2g})" for c in small[:NAMED_COLUMNS])
        return f", but for shifts too small to matter: {named}{more}"

    @property
    def _columns_clause(self) -> str | None:
        named = [f"'{c.name}' (PSI {c.psi:.2g})" for c in self.drifted[:NAMED_COLUMNS]]
        if not named:
            return None
        more = len(self.drifted) - len(named)
        most = ", most " if more else ": "
        return f"{len(self.drifted)} of {len(self.columns)} columns shifted{most}{', '.join(named)}"

    @property
    def _target_clause(self) -> str | None:
        if not self.target or not self.target.is_drifted:
            return None
        return f"the target '{self.target.name}' shifted (PSI {self.target.psi:.2g})"

    @property
    def _domain_clause(self) -> str | None:
        if not self.domain or not self._is_separable:
            return None
        return f"a classifier tells them from the earlier ones (AUC {self.domain.auc:.2f})"

    @property
    def _unit_questions(self) -> list[str]:
        return [
            f"The numbers of '{c.name}' are {c.unit_factor:g} times as large as before: "
            "was its unit of measurement changed?"
            for c in self.changed_units
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for strict JSON."""
        return {
            "level": self.level,
            "sentence": self.sentence,
            "false_alarm_rate": FALSE_ALARM_RATE,
            "n_reference": self.n_reference,
            "n_new": self.n_new,
            "n_differing": self.n_differing,
            "n_by_chance": self.n_by_chance,
            "columns": [c.to_dict() for c in self.columns],
            "target": self.target and self.target.to_dict(),
            "domain": self.domain and self.domain.to_dict(),
            "synthetic": self.synthetic and self.synthetic.to_dict(),
            "changed_units": {c.name: c.unit_factor for c in self.changed_units},
            "seed": self.seed,
        }


def measure_drift(
    reference: pd.DataFrame,
    new: pd.DataFrame,
    schema: Schema,
    *,
    seed: int,
    synthetic: pd.DataFrame | None = None,
) -> Drift:
    """Compare new rows with earlier ones.

    Parameters
    ----------
    reference, new : DataFrame of shape (n_rows, n_columns)
        Rows of the file. The target may be missing in `new`, in some rows or as a column.
    schema : Schema
        Its time column is left out: new rows are always later.
    seed : int
        Of samples and forests.
    synthetic : DataFrame of shape (n_synthetic, n_columns), optional
        In the columns and types of the file.

    Returns
    -------
    Drift

    Raises
    ------
    BadInput
        If a feature is missing or a number column holds text.

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame({"metres": rng.uniform(1, 2, 200), "bought": ["no", "yes"] * 100})
    >>> schema = infer_schema(rows, "bought")
    >>> measure_drift(rows[:100], rows[100:], schema, seed=0).level
    'none'
    >>> drift = measure_drift(rows[:100], rows[100:].assign(metres=lambda t: 100 * t["metres"]), schema, seed=0)
    >>> drift.level, [column.unit_factor for column in drift.changed_units]
    ('critical', [100.0])
    """
    before, after = comparable_rows(reference, new, schema, seed=seed)
    if min(len(before), len(after)) < MIN_ROWS:
        return Drift(len(before), len(after), (), None, None, None, seed)
    features = tuple(c for c in schema.features if c.role != "time")
    names = [c.name for c in features]
    # A target that is missing in some rows would reveal their side.
    is_labelled = all(len(labelled(side, schema.target)) == len(side) for side in (before, after))
    seen = [*names, schema.target] if is_labelled else names
    return Drift(
        n_reference=len(before),
        n_new=len(after),
        columns=_compare_columns(before, after, features),
        domain=compare_domains(before, after, seen, level=FAMILY_RATE, seed=seed),
        target=_compare_target(before, after, schema),
        synthetic=_compare_synthetic(synthetic, after, schema, names, seed),
        seed=seed,
    )


def comparable_rows(
    reference: pd.DataFrame, new: pd.DataFrame, schema: Schema, *, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select independent canonical rows of both sides: one of each group, drawn at random.

    Rows of one group are alike, so that a few groups would look like drift in many rows.

    Parameters
    ----------
    reference, new : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    seed : int

    Returns
    -------
    tuple of two DataFrames
        Canonical, with fresh indices.
    """
    group = schema.with_role("group")
    sides = []
    for name, raw in (("reference", reference), ("new", new)):
        rows = raw.reset_index(drop=True)
        if group in rows.columns:
            shuffled = rows[group].sample(frac=1, random_state=derive_seed(seed, "groups", name))
            rows = rows.loc[np.sort(shuffled[shuffled.isna() | ~shuffled.duplicated()].index)]
        sides.append(schema.apply(rows).reset_index(drop=True))
    before, after = sides
    return before, after


def labelled(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    """Select the canonical rows that have a target."""
    return rows[rows[target].notna()] if target in rows.columns else rows.iloc[:0]


def _compare_columns(
    before: pd.DataFrame, after: pd.DataFrame, columns: Sequence[Column]
) -> tuple[ColumnDrift, ...]:
    found = [_compare(before[c.name], after[c.name], c, FAMILY_RATE / len(columns)) for c in columns]
    adjusted = holm([c.p_value for c in found])
    return tuple(dataclasses.replace(c, p_adjusted=p) for c, p in zip(found, adjusted, strict=True))


def _compare_target(before: pd.DataFrame, after: pd.DataFrame, schema: Schema) -> ColumnDrift | None:
    sides = [labelled(side, schema.target) for side in (before, after)]
    if min(len(side) for side in sides) < MIN_ROWS:
        return None
    values = [side[schema.target] for side in sides]
    return _compare(values[0], values[1], schema[schema.target], FAMILY_RATE)


def _compare_synthetic(
    synthetic: pd.DataFrame | None, after: pd.DataFrame, schema: Schema, names: Sequence[str], seed: int
) -> DomainDrift | None:
    if synthetic is None or len(synthetic) < MIN_ROWS:
        return None
    made = schema.apply(synthetic)
    return compare_domains(made, after, names, level=FAMILY_RATE, seed=derive_seed(seed, "synthetic"))


def _compare(reference: pd.Series, new: pd.Series, column: Column, level: float) -> ColumnDrift:
    bins = learn_bins(reference, column)
    counts = bins.counts(reference), bins.counts(new)
    p_value = shift_p_value(reference, new, column)
    return ColumnDrift(
        name=column.name,
        kind=column.kind,
        psi=population_stability_index(*counts),
        psi_by_chance=index_by_chance(*counts, level),
        p_value=p_value,
        p_adjusted=p_value,
        missing_change=float(new.isna().mean() - reference.isna().mean()),
        unseen_fraction=float(counts[1][-1] / len(new)) if column.is_categorical else 0.0,
        unit_factor=unit_factor(reference, new) if column.kind == "numeric" else None,
    )

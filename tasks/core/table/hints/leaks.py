"""Leaks that are not exact: one feature, or two together, tell the target almost perfectly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.hints.hint import Hint, answers
from realmix.tasks.core.table.hints.probes import Probe, Target, codes
from realmix.tasks.core.table.schema import Schema

# Kappa from which levels, numbers, or a pair are said to give a class away. Single honest numbers reach 0.93
# (iris petals); on the development tables no feature reaches 0.85.
LEVELS_TELL, NUMBERS_TELL, PAIR_TELLS = 0.92, 0.95, 0.98
# Rare classes, of which few wrong rows take much kappa away: share of wrong rows.
FEW_WRONG, RARE_TELLS = 0.015, 0.75
# R squared of ranks of a quantity, and the share of rows within 1 % of their rank: copies with a few wrong cells.
RANKS_TELL, SAME_RANK = 0.99, 0.9
# Share of the order of a quantity that its bands keep: half a hundredth to two hundredths of wrong cells.
# Levels with fewer rows than this on average have a range of their own by chance.
RANGES_TELL, ROWS_A_LEVEL = 0.95, 10
# Weaker findings from here on are printed.
NOTEWORTHY = 0.85
MAX_PAIRED = 8


def leaks(rows: pd.DataFrame, schema: Schema) -> Iterator[Hint]:
    """Yield a hint for each feature, and then each pair, that tells the target almost perfectly.

    A study refuses an exact copy before this; see :mod:`realmix.tasks.core.table.checks`.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_modelled)
        Canonical, a bounded sample.
    schema : Schema
    """
    target = Target(schema.encode_target(rows), len(schema.classes))
    features = [c for c in schema.features if rows[c.name].nunique(dropna=False) > 1]
    alone = {c.name: _probe(target, rows[c.name], c) for c in features}
    ranged = [] if target.n_classes else [c for c in features if _has_ranges(target, rows[c.name])]
    leaking = [c for c in features if c in ranged or _is_leak(alone[c.name], target, c)]
    for column in features:
        if column in ranged:
            yield _hint_of_ranges(column.name, schema)
        elif column in leaking or alone[column.name].skill >= NOTEWORTHY:
            yield _hint((column.name,), alone[column.name], schema, is_strong=column in leaking)
    best = sorted((c for c in features if c not in leaking), key=lambda c: -alone[c.name].skill)
    for categorical in (False, True):
        paired = [c for c in best if c.is_categorical == categorical][:MAX_PAIRED]
        yield from _pairs(rows, target, [c for c in features if c in paired], schema)


def _is_leak(found: Probe, target: Target, column: Column) -> bool:
    if not target.n_classes:
        return found.skill >= RANKS_TELL or found.error <= 1 - SAME_RANK
    tells = LEVELS_TELL if column.is_categorical else NUMBERS_TELL
    return found.skill >= tells or (found.error <= FEW_WRONG and found.skill >= RARE_TELLS)


def _has_ranges(target: Target, values: pd.Series) -> bool:
    levels = codes(values)
    is_few = len(levels) >= ROWS_A_LEVEL * (levels.max() + 1)
    return is_few and target.order_by_ranges(levels) >= RANGES_TELL


def _probe(target: Target, values: pd.Series, column: Column) -> Probe:
    if column.is_categorical:
        return target.probe_levels(codes(values))
    missing = target.probe_levels(codes(values.isna()))
    numbers = target.probe_numbers(values.to_numpy(dtype=float))
    return max(missing, numbers, key=lambda probe: probe.skill)


def _pairs(rows: pd.DataFrame, target: Target, features: list[Column], schema: Schema) -> Iterator[Hint]:
    """Yield pairs of numbers whose sum, difference, product or ratio, or of levels that together, tell it."""
    for a, b in combinations(features, 2):
        found = max(_probe_pair(target, rows, a, b), key=lambda probe: probe.skill)
        if found.skill >= (PAIR_TELLS if target.n_classes else RANKS_TELL):
            yield _hint((a.name, b.name), found, schema, is_strong=True)


def _probe_pair(target: Target, rows: pd.DataFrame, a: Column, b: Column) -> Iterator[Probe]:
    if a.is_categorical:
        yield target.probe_levels(codes(rows[a.name].astype(str) + "\0" + rows[b.name].astype(str)))
        return
    x, y = rows[a.name].to_numpy(dtype=float), rows[b.name].to_numpy(dtype=float)
    with np.errstate(all="ignore"):
        for combined in (x - y, x + y, x * y, x / y):
            yield target.probe_numbers(np.where(np.isfinite(combined), combined, np.nan))


def _hint(columns: tuple[str, ...], found: Probe, schema: Schema, *, is_strong: bool) -> Hint:
    names = " and ".join(f"'{name}'" for name in columns)
    tell = "alone tells" if len(columns) == 1 else "together tell"
    if schema.is_classification:
        much = f"in {1 - found.error:.1%} of the rows"
    else:
        much = f"but for {1 - found.skill:.1%} of the variation of its ranks"
    sentence = f"{names} {tell} the target '{schema.target}' {much}: a leak, if not known when one predicts."
    return Hint("leak", columns, sentence, answers(None, columns[0]), is_strong)


def _hint_of_ranges(name: str, schema: Schema) -> Hint:
    sentence = f"Each value of '{name}' is a range of the target '{schema.target}': a leak, if not known when one predicts."
    return Hint("leak", (name,), sentence, answers(None, name), is_strong=True)

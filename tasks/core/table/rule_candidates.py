"""Rules that a table has never broken, proposed to its owner as comments of the card: none is enforced unasked.

A candidate is proposed only where chance would have broken it: with unrelated columns it would have been
kept by all rows with a probability below ``exp(-20)``. That it is a law of the matter nobody can see in the rows.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.columns import canonical
from realmix.tasks.core.table.rule_kinds import (
    ConditionRule,
    DerivedRule,
    DeterminesRule,
    MonotoneRule,
    OrderRule,
    PatternRule,
    RangeRule,
    Rule,
    UniqueRule,
)
from realmix.tasks.core.table.rules import violations
from realmix.tasks.core.table.schema import Schema

# Expected number of broken rows if the columns had nothing to do with each other.
EVIDENCE = 20.0
# Pairs of columns are tried among the first columns of each kind: a wide table must not take minutes.
MAX_COLUMNS = 30
MAX_CANDIDATES = 30
N_PROBED = 500
MIN_DISTINCT = 10
TEXT_KINDS = ("categorical", "identifier", "text")
MIN_TEXTS = 20
CLASSES = (("[0-9]", str.isdigit), ("[A-Z]", str.isupper), ("[a-z]", str.islower))


@dataclass(frozen=True)
class Candidate:
    """A rule that all rows keep, and what was seen, in a sentence without values."""

    rule: Rule
    sentence: str


def propose_rules(raw: pd.DataFrame, schema: Schema, *, sensitive: tuple[str, ...] = ()) -> list[Candidate]:
    """Find rules that every row of a table keeps although chance would have broken them.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    sensitive : tuple of str
        Columns whose form is not shown either.

    Returns
    -------
    list of Candidate
        At most `MAX_CANDIDATES`.

    Examples
    --------
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> rng = np.random.default_rng(0)
    >>> start = rng.normal(100, 20, 200)
    >>> raw = pd.DataFrame({"start": start, "end": start + rng.exponential(5, 200), "y": ["a", "b"] * 100})
    >>> [c.sentence for c in propose_rules(raw, infer_schema(raw, "y"))]
    ['start was never above end in 200 rows']
    """
    columns = [c for c in schema.columns if c.name in raw.columns and c.name != schema.target]
    numbers = {c.name: canonical(raw[c.name], c) for c in columns if c.kind == "numeric"}
    dates = {c.name: canonical(raw[c.name], c) for c in columns if c.kind == "datetime"}
    levels = [c.name for c in columns if c.kind == "categorical"]
    identifiers = [c.name for c in columns if c.kind == "identifier"]
    texts = [c.name for c in columns if c.kind in TEXT_KINDS and c.name not in sensitive]
    of_numbers = dict(list(numbers.items())[:MAX_COLUMNS])
    found = [
        *_orders(dict(list(dates.items())[:MAX_COLUMNS])),
        *_sums(of_numbers),
        *_orders(of_numbers),
        *_zeros(of_numbers),
        *_mappings(raw, levels[:MAX_COLUMNS]),
        *_monotone(raw, dates, of_numbers, identifiers),
        *_unique(raw, [name for name in identifiers if schema[name].role != "key"]),
        *_patterns(raw, texts),
        *_positive(numbers),
    ]
    return [each for each in found if _is_kept(raw, each.rule)][:MAX_CANDIDATES]


def _is_kept(raw: pd.DataFrame, rule: Rule) -> bool:
    """Tell whether no row breaks a rule as it would be enforced; False where it cannot be written for these names."""
    try:
        return not violations(raw, [rule]).to_numpy().any()
    except BadInput:
        return False


def _orders(columns: dict[str, pd.Series]) -> Iterator[Candidate]:
    """Propose the pairs of columns of which one was never above the other."""
    pairs = []
    for low, high in permutations(columns, 2):
        both = columns[low].notna() & columns[high].notna()
        a, b = columns[low][both].to_numpy(), columns[high][both].to_numpy()
        if not len(a) or (a[:N_PROBED] > b[:N_PROBED]).any() or (a > b).any() or (a == b).all():
            continue
        # Chance that a row is out of order where the columns have nothing to do with each other.
        chance = np.searchsorted(np.sort(b), a, side="left").mean() / len(b)
        if chance * len(a) >= EVIDENCE:
            pairs.append((low, high, len(a)))
    known = {(low, high) for low, high, _ in pairs}
    for low, high, n_rows in pairs:
        if not any((low, between) in known and (between, high) in known for between in columns):
            yield Candidate(
                OrderRule(kind="order", columns=(low, high)),
                f"{low} was never above {high} in {n_rows:,} rows",
            )


def _sums(columns: dict[str, pd.Series]) -> Iterator[Candidate]:
    """Propose the columns that are the sum of two others."""
    names = [name for name, values in columns.items() if (values.fillna(0) != 0).mean() > 0.1]
    if len(names) < 3:
        return
    whole = pd.DataFrame({name: columns[name] for name in names}).replace([np.inf, -np.inf], np.nan).dropna()
    if len(whole) < EVIDENCE:
        return
    cells = whole.to_numpy()
    probed = cells[:N_PROBED]
    for one, other in combinations(range(len(names)), 2):
        summed = (probed[:, one] + probed[:, other])[:, None]
        equal = np.isclose(summed, probed, rtol=1e-6, atol=1e-9).all(axis=0)
        for total in np.flatnonzero(equal):
            if total in (one, other) or len(np.unique(cells[:, total])) < MIN_DISTINCT:
                continue
            expression = f"{_quoted(names[one])} + {_quoted(names[other])}"
            yield Candidate(
                DerivedRule(kind="derived", column=names[total], expression=expression),
                f"{names[total]} was {names[one]} + {names[other]} in {len(whole):,} rows",
            )


def _zeros(columns: dict[str, pd.Series]) -> Iterator[Candidate]:
    """Propose that one column is zero where another one is."""
    is_zero = {name: values == 0 for name, values in columns.items()}
    shares = {name: float(zero.mean()) for name, zero in is_zero.items()}
    for cause, effect in permutations(columns, 2):
        n_rows, share = int(is_zero[cause].sum()), shares[effect]
        if not 0 < share < 1 or not (is_zero[effect] | ~is_zero[cause]).all():
            continue
        is_first = shares[cause] < share or list(columns).index(cause) < list(columns).index(effect)
        if n_rows * -np.log(share) >= EVIDENCE and is_first:
            yield Candidate(
                ConditionRule(
                    kind="dependency", when=f"{_quoted(cause)} == 0", then=f"{_quoted(effect)} == 0"
                ),
                f"{effect} was 0 in all {n_rows:,} rows with {cause} 0",
            )


def _mappings(raw: pd.DataFrame, names: list[str]) -> Iterator[Candidate]:
    """Propose the columns that another one determines; of two that determine each other, the second."""
    codes = {name: pd.factorize(raw[name])[0] for name in names}
    seen: set[tuple[str, str]] = set()
    for cause, effect in permutations(names, 2):
        both = (codes[cause] >= 0) & (codes[effect] >= 0)
        a, b = codes[cause][both], codes[effect][both]
        if not len(a) or (effect, cause) in seen:
            continue
        n_levels, n_pairs = len(np.unique(a)), len(np.unique(a.astype(np.int64) * (b.max() + 1) + b))
        differs = 1 - ((np.bincount(b) / len(b)) ** 2).sum()
        if n_pairs == n_levels and (len(a) - n_levels) * differs >= EVIDENCE:
            seen.add((cause, effect))
            yield Candidate(
                DeterminesRule(kind="determines", columns=(cause,), column=effect),
                f"{cause} determined {effect} in {len(a):,} rows",
            )


def _monotone(
    raw: pd.DataFrame, dates: dict[str, pd.Series], numbers: dict[str, pd.Series], identifiers: list[str]
) -> Iterator[Candidate]:
    """Propose the numbers that never fell in time, in the whole table or for each of a repeated identifier."""
    repeated = [name for name in identifiers if raw[name].nunique() <= len(raw) / 2]
    for along, times in dates.items():
        for name, values in numbers.items():
            if values.nunique() < MIN_DISTINCT:
                continue
            for within in ((), *((each,) for each in repeated)):
                order = pd.DataFrame({"time": times, "value": values, "key": raw[within[0]] if within else 0})
                order = order.dropna().sort_values(["key", "time", "value"], kind="stable")
                steps = order["value"].diff()[order["key"] == order["key"].shift()]
                if len(steps) >= EVIDENCE and (steps >= 0).all() and (steps > 0).sum() >= EVIDENCE:
                    where = f" within each {within[0]}" if within else ""
                    yield Candidate(
                        MonotoneRule(kind="monotone", column=name, along=along, within=within),
                        f"{name} never fell along {along}{where} in {len(order):,} rows",
                    )
                    break


def _unique(raw: pd.DataFrame, names: list[str]) -> Iterator[Candidate]:
    for name in names:
        if raw[name].notna().all() and raw[name].is_unique:
            yield Candidate(
                UniqueRule(kind="unique", columns=(name,)), f"{name} was never repeated in {len(raw):,} rows"
            )


def _patterns(raw: pd.DataFrame, names: list[str]) -> Iterator[Candidate]:
    """Propose the form of texts that are all written alike, such as AB-123."""
    for name in names:
        values = raw[name].dropna()
        distinct = values.unique()
        if len(distinct) < MIN_TEXTS or not all(isinstance(value, str) for value in distinct):
            continue
        forms = {_form(value) for value in distinct[:MIN_TEXTS]}
        if len(forms) == 1 and "[0-9]" in next(iter(forms)):
            yield Candidate(
                PatternRule(kind="pattern", column=name, pattern=_shortened(forms.pop())),
                f"{name} had one form in {len(values):,} rows",
            )


def _form(text: str) -> str:
    """Write a text as a pattern: its digits and letters by their class, other signs as they are."""
    return "".join(
        next((name for name, is_of in CLASSES if sign.isascii() and is_of(sign)), re.escape(sign))
        for sign in text[:100]
    )


def _shortened(form: str) -> str:
    """Count repeated classes.

    Examples
    --------
    >>> _shortened("[A-Z][A-Z]-[0-9][0-9][0-9]")
    '[A-Z]{2}-[0-9]{3}'
    """
    return re.sub(r"(\[[^\]]+\])\1+", lambda run: f"{run[1]}{{{len(run[0]) // len(run[1])}}}", form)


def _positive(columns: dict[str, pd.Series]) -> Iterator[Candidate]:
    """Propose the numbers that were never negative although they come near zero."""
    for name, values in columns.items():
        present = values.dropna()
        if len(present) >= EVIDENCE and present.min() >= 0 and present.min() <= 0.05 * present.median():
            yield Candidate(
                RangeRule(kind="range", column=name, minimum=0),
                f"{name} was never negative in {len(present):,} rows",
            )


def _quoted(name: str) -> str:
    """Write a column name as expressions take it."""
    is_plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return name if is_plain else f"`{name}`"

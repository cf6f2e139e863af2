"""Single values that decide too much: outliers of the target, and numbers that mean "missing"."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.schema import Schema

# Rows that together hold more than this share of the target's squared deviation decide every score.
DECIDING = 0.5
MAX_OUTLIERS = 5
MAX_SHARE = 0.01
# Of a sentinel: rows that hold it, and its distance from the other values, in their inner range.
MIN_SENTINELS, MIN_SENTINEL_SHARE, MIN_DISTANCE = 3, 0.002, 1.0


def target_outliers(raw: pd.DataFrame, schema: Schema) -> Iterator[Hint]:
    """Yield a hint if a handful of rows decide every squared error of a quantity."""
    if schema.is_classification:
        return
    y = raw[schema.target].to_numpy(dtype=float)
    squares = (y - np.median(y)) ** 2
    order = np.argsort(-squares, kind="stable")[: min(MAX_OUTLIERS, max(1, int(MAX_SHARE * len(y))))]
    shares = np.cumsum(squares[order]) / max(squares.sum(), 1e-300)
    if shares[-1] <= DECIDING:
        return
    n = int(np.argmax(shares > DECIDING)) + 1
    places = ", ".join(f"{position + 1:,}" for position in sorted(order[:n]))
    where = f"row {places}" if n == 1 else f"rows {places}"
    rows = "one row holds" if n == 1 else f"{n} rows hold"
    sentence = (
        f"Of the target '{schema.target}', {rows} {shares[n - 1]:.0%} of all squared deviation ({where} of the "
        "table): such values decide every score. Correct them, remove these rows, or predict "
        "a bounded or logarithmic target."
    )
    yield Hint("outlier", (schema.target,), sentence)


def sentinels(raw: pd.DataFrame, schema: Schema, sensitive: Collection[str]) -> Iterator[Hint]:
    """Yield a hint for each number column with a repeated, far-off value such as -999; sensitive ones are not shown."""
    for column in schema.features:
        if column.kind != "numeric":
            continue
        values = raw[column.name].dropna().to_numpy(dtype=float)
        for found, n in _sentinels(values):
            sentence = (
                f"'{column.name}' is {'one number' if column.name in sensitive else format(found, 'g')} in {n:,} of {len(raw):,} rows, far from all other values: if this "
                "means that the number is missing, empty these cells."
            )
            yield Hint("sentinel", (column.name,), sentence)


def _sentinels(values: np.ndarray) -> Iterator[tuple[float, int]]:
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 3:
        return
    for at, gap in ((0, distinct[1] - distinct[0]), (-1, distinct[-1] - distinct[-2])):
        found, n = float(distinct[at]), int(counts[at])
        if n < max(MIN_SENTINELS, MIN_SENTINEL_SHARE * len(values)) or not is_written_as_missing(found):
            continue
        low, high = np.quantile(values[values != found], (0.05, 0.95))
        lone = found == -1 and distinct[1] >= 0 and high >= 10
        if lone or gap > MIN_DISTANCE * (high - low):
            yield found, n


def is_written_as_missing(number: float) -> bool:
    """Return whether a number looks like those that stand for a missing one.

    Examples
    --------
    >>> [is_written_as_missing(n) for n in (-999, 99, -1, 9999.0, 12, 9)]
    [True, True, True, True, False, False]
    """
    digits = f"{abs(number):.10g}".replace(".", "")
    return number == -1 or (len(digits) > 1 and digits[0] in "789" and len(set(digits)) == 1)

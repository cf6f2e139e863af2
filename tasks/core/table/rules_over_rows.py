"""Rules that look at several columns or rows as they stand: order, patterns, mappings, uniqueness, monotony.

Rows that are `known` keep a rule already: real rows, and synthetic ones that were accepted before. A row
with a missing cell in a rule's columns breaks no such rule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.dates_as_written import seconds_since_1970
from realmix.tasks.core.table.rule_kinds import (
    DeterminesRule,
    MonotoneRule,
    OrderRule,
    PatternRule,
    UniqueRule,
)


def out_of_order(frame: pd.DataFrame, rule: OrderRule, where: str) -> np.ndarray:
    """Find the rows in which a value is below (if strict: not above) one of a column before.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    values = np.column_stack([_in_order(frame[name], where) for name in rule.columns])
    before = np.fmax.accumulate(values, axis=1)[:, :-1]
    falls = np.less_equal if rule.strict else np.less
    return np.asarray(falls(values[:, 1:], before).any(axis=1))


def unmatched(frame: pd.DataFrame, rule: PatternRule, where: str) -> np.ndarray:
    """Find the rows whose text does not match; RE2 takes linear time for any pattern.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    codes, texts = pd.factorize(_texts(frame[rule.column]))
    try:
        found = pc.match_substring_regex(pa.array(texts, pa.string()), rf"\A(?:{rule.pattern})\z")
    except pa.ArrowInvalid as err:
        raise BadInput(
            f"{where}: the pattern cannot be used: it is no regular expression of RE2, which has no look-around "
            "and no back-references. Correct the rule in the card."
        ) from err
    is_broken = np.append(~np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool), False)
    return np.asarray(is_broken[codes])


def mapped_otherwise(frame: pd.DataFrame, rule: DeterminesRule, known: pd.DataFrame | None) -> np.ndarray:
    """Find the rows that say otherwise than :func:`mapping_of`.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    value = _texts(frame[rule.column])
    mapped = mapping_of(frame, rule, known).reindex(_keys(frame, rule.columns)).to_numpy()
    return np.asarray(value.notna() & pd.notna(mapped) & (value.to_numpy() != mapped))


def mapping_of(frame: pd.DataFrame, rule: DeterminesRule, known: pd.DataFrame | None) -> pd.Series:
    """Return what each combination of a rule's columns determines, as text, by its key as text.

    What most known rows say decides, of other combinations what most rows of the frame say; the first one
    decides a tie.
    """
    parts = [frame] if known is None else [known, frame]
    said = pd.concat(
        [
            pd.DataFrame(
                {
                    "key": _keys(part, rule.columns),
                    "value": _texts(part[rule.column]).to_numpy(),
                    "is_known": part is known,
                }
            )
            for part in parts
        ],
        ignore_index=True,
    ).dropna()
    if said.empty:
        return pd.Series(dtype=object)
    said["place"] = np.arange(len(said))
    counted = said.groupby(["key", "value"], as_index=False).agg(
        is_known=("is_known", "max"), count=("is_known", "size"), place=("place", "min")
    )
    counted = counted.sort_values(["is_known", "count", "place"], ascending=[False, False, True])
    return counted.drop_duplicates("key").set_index("key")["value"]


def determined(frame: pd.DataFrame, rule: DeterminesRule, known: pd.DataFrame | None) -> pd.Series:
    """Return the determined column, its cells set to what :func:`mapping_of` says.

    Returns
    -------
    Series of shape (n_rows,)
        As it was where nothing is said, or a cell is missing.
    """
    values = frame[rule.column]
    every = values if known is None else pd.concat([known[rule.column], values], ignore_index=True)
    every = every.dropna()
    typed = dict(zip(_texts(every), every, strict=True))
    mapped = mapping_of(frame, rule, known).reindex(_keys(frame, rule.columns)).map(typed, na_action="ignore")
    mapped.index = values.index
    is_said = mapped.notna() & values.notna() & (_texts(values) != _texts(mapped))
    return values.mask(is_said, mapped) if is_said.any() else values


def repeated(frame: pd.DataFrame, rule: UniqueRule, known: pd.DataFrame | None) -> np.ndarray:
    """Find the rows equal to a known row or to one before them.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    before = pd.Series(dtype=object) if known is None else pd.Series(_keys(known, rule.columns), dtype=object)
    keys = pd.concat([before, pd.Series(_keys(frame, rule.columns), dtype=object)], ignore_index=True)
    broken = (keys.duplicated() & keys.notna()).to_numpy()
    return np.asarray(broken[len(before) :])


def out_of_line(
    frame: pd.DataFrame, rule: MonotoneRule, known: pd.DataFrame | None, where: str
) -> np.ndarray:
    """Find the fewest rows without which the column is monotone, and those that contradict a known row.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    sign = 1.0 if rule.direction == "increasing" else -1.0
    parts = [frame] if known is None else [frame, known]
    places = [
        np.column_stack([_in_order(part[rule.along], where), sign * _in_order(part[rule.column], where)])
        for part in parts
    ]
    keys = [_keys(part, rule.within) if rule.within else np.zeros(len(part), dtype=object) for part in parts]
    rows_of = [_by_key(key, place) for key, place in zip(keys, places, strict=True)]
    broken = np.zeros(len(frame), dtype=bool)
    for key, rows in rows_of[0].items():
        others = places[1][rows_of[1].get(key, [])] if len(parts) > 1 else np.empty((0, 2))
        fits = _fits(places[0][rows], others)
        broken[rows[~fits]] = True
        broken[rows[fits][~_longest_rise(places[0][rows[fits]])]] = True
    return broken


def _by_key(keys: np.ndarray, places: np.ndarray) -> dict[object, np.ndarray]:
    """Return the rows of each key that have a key, a time and a value."""
    is_whole = np.isfinite(places).all(axis=1) & pd.notna(keys)
    rows = pd.Series(np.flatnonzero(is_whole))
    return {key: group.to_numpy() for key, group in rows.groupby(keys[is_whole], sort=False)}


def _fits(places: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Find the rows that no known row contradicts: none earlier is higher, none later is lower."""
    known = known[np.argsort(known[:, 0], kind="stable")]
    highest = np.concatenate([[-np.inf], np.maximum.accumulate(known[:, 1])])
    lowest = np.concatenate([np.minimum.accumulate(known[::-1, 1])[::-1], [np.inf]])
    earlier = np.searchsorted(known[:, 0], places[:, 0], side="left")
    later = np.searchsorted(known[:, 0], places[:, 0], side="right")
    fits: np.ndarray = (places[:, 1] >= highest[earlier]) & (places[:, 1] <= lowest[later])
    return fits


def _longest_rise(places: np.ndarray) -> np.ndarray:
    """Find the rows of a longest series that does not fall (patience sorting); rows of one time have any order.

    References
    ----------
    Fredman 1975, https://doi.org/10.1016/0012-365X(75)90103-X
    """
    order = np.lexsort((places[:, 1], places[:, 0]))
    tops: list[float] = []
    ends: list[int] = []
    before = np.full(len(order), -1)
    for row in order.tolist():
        pile = bisect_right(tops, places[row, 1])
        before[row] = ends[pile - 1] if pile else -1
        if pile == len(tops):
            tops.append(places[row, 1])
            ends.append(row)
        tops[pile], ends[pile] = places[row, 1], row
    kept = np.zeros(len(order), dtype=bool)
    row = ends[-1] if ends else -1
    while row >= 0:
        kept[row] = True
        row = int(before[row])
    return kept


def _in_order(values: pd.Series, where: str) -> np.ndarray:
    """Return numbers, or dates as seconds, as floats; NaN where a cell is missing."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    seconds = seconds_since_1970(values).to_numpy(dtype=float)
    if bool((np.isnan(seconds) & values.notna().to_numpy()).any()):
        raise BadInput(
            f"{where}: column '{values.name}' holds text, but the rule needs numbers or dates. Correct the rule in "
            "the card."
        )
    return seconds


def _texts(values: pd.Series) -> pd.Series:
    """Return cells as text, whole numbers without a point; None where missing."""
    if pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 == 0).all()):
        values = values.astype("Int64")
    return values.astype(object).where(values.notna(), None).map(str, na_action="ignore")


def _keys(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return one text for the cells of several columns, None where any is missing."""
    parts = [_texts(frame[name]) for name in columns]
    is_whole = np.logical_and.reduce([part.notna().to_numpy() for part in parts])
    keys = np.full(len(frame), None, dtype=object)
    # A cell cannot end with the text that parts them, because its length stands before it.
    joined = [
        "".join(f"{len(cell)}:{cell}" for cell in row)
        for row in zip(*(p[is_whole] for p in parts), strict=True)
    ]
    keys[is_whole] = joined
    return keys

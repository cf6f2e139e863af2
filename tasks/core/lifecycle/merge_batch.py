"""Batches of new rows: converted to the form of their table, then merged into it.

The table's own rows stay first and in their order. Whether a row is in the holdout depends on its unit,
never on its arrival, so a corrected row stays on its side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.schema_change import convert
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.with_columns import with_columns

KNOWN_KEY = "the table already has a row with this key, which `arrival: append` does not correct"
UNKNOWN_KEY = "a target without features, for a key that no row has"


@dataclass(frozen=True)
class Prepared:
    """A batch in the columns, order and types of its table.

    Attributes
    ----------
    rows : DataFrame of shape (n_usable, n_columns)
        Targets that arrived alone are completed to the whole row of their key.
    set_aside : DataFrame of shape (n_set_aside, n_columns)
        Rows that match no row of the table, or a row that must not be changed.
    reasons : list of str, of length n_set_aside
    """

    rows: pd.DataFrame
    set_aside: pd.DataFrame
    reasons: list[str]


@dataclass(frozen=True)
class Merged:
    """A table after a batch was merged.

    Attributes
    ----------
    rows : DataFrame of shape (n_rows, n_columns)
        Rows with a target.
    unlabelled : DataFrame of shape (n_waiting, n_columns)
        Rows that wait for a target.
    n_new, n_replaced : int
        Rows that were added, and rows that were corrected.
    n_unlabelled : int
        Rows of the batch without a target.
    n_joined : int
        Rows among `n_new` that had waited for their target.
    """

    rows: pd.DataFrame
    unlabelled: pd.DataFrame
    n_new: int
    n_replaced: int
    n_unlabelled: int
    n_joined: int


def brings_labels_only(batch: pd.DataFrame, schema: Schema, card: DataCard) -> bool:
    """Check whether a batch has keys and targets but no feature.

    Parameters
    ----------
    batch : DataFrame of shape (n_arrived, any)
    schema : Schema
        Of the table.
    card : DataCard
    """
    names = set(batch.columns)
    has_both = card.key is not None and {card.key, card.target} <= names
    return has_both and card.operation.arrival != "replace" and names.isdisjoint(schema.feature_names)


def prepare_batch(
    current: pd.DataFrame, unlabelled: pd.DataFrame, batch: pd.DataFrame, schema: Schema, card: DataCard
) -> Prepared:
    """Convert a batch to the form of its table.

    Parameters
    ----------
    current, unlabelled : DataFrame of shape (any, n_columns)
        The table, and the rows that wait for a target.
    batch : DataFrame of shape (n_arrived, any)
        Without a :attr:`~realmix.tasks.core.lifecycle.schema_change.SchemaChange.refusal`.
    schema : Schema
        Of the table.
    card : DataCard

    Returns
    -------
    Prepared
        Columns that the table lacks are left out, unless the batch replaces the table; missing
        columns are empty. If batches correct rows, the last row of each key counts; a missing
        target does not undo a known one.

    Raises
    ------
    BadInput
        If no row is left.
    """
    arrival, key = card.operation.arrival, card.key
    rows = _in_form(batch, current, with_new=arrival == "replace")
    why = np.full(len(rows), "", dtype=object)
    if key is not None and arrival != "append":
        rows = rows[rows[key].isna() | ~rows[key].duplicated(keep="last")].reset_index(drop=True)
        why = why[: len(rows)]
    if key is not None and brings_labels_only(batch, schema, card):
        owners = unlabelled if arrival == "append" else stack([current, unlabelled])
        rows, n_known = _complete_labels(rows, owners, card)
        why[n_known:] = UNKNOWN_KEY
    if key is not None and arrival == "append":
        why[_has_key_of(rows, current, key)] = KNOWN_KEY
    if arrival == "upsert":
        rows = _fill_known_targets(rows, current, card)
    is_aside = why != ""
    if is_aside.all():
        counts = "; ".join(f"{reason} ({n:,} rows)" for reason, n in Counter(why).items())
        raise BadInput(
            f"None of the batch's {len(rows):,} rows can be used: {counts}. Send whole rows with keys of their "
            "own; where the key only numbers the rows of a file, take `key` out of the card and register the table anew."
        )
    return Prepared(rows[~is_aside], rows[is_aside], why[is_aside].tolist())


def merge_batch(
    current: pd.DataFrame, unlabelled: pd.DataFrame, batch: pd.DataFrame, *, card: DataCard
) -> Merged:
    """Merge a batch into its table.

    Parameters
    ----------
    current, unlabelled : DataFrame of shape (any, n_columns)
        The table, and the rows that wait for a target.
    batch : DataFrame of shape (n_arrived, n_columns)
        From :func:`prepare_batch`; keys are distinct.
    card : DataCard
        `operation.arrival` decides what happens to existing rows.

    Returns
    -------
    Merged

    Examples
    --------
    >>> table, none = pd.DataFrame({"id": [1, 2], "y": [0, 0]}), pd.DataFrame({"id": [], "y": []})
    >>> card = DataCard(target="y", key="id", operation={"arrival": "upsert"})
    >>> merged = merge_batch(table, none, pd.DataFrame({"id": [2, 3, 4], "y": [1, 1, None]}), card=card)
    >>> merged.rows.to_dict("list"), merged.n_new, merged.n_replaced, merged.n_unlabelled
    ({'id': [1, 2, 3], 'y': [0, 1, 1]}, 1, 1, 1)
    """
    is_labelled = batch[card.target].notna().to_numpy()
    labelled, waiting = batch[is_labelled], batch[~is_labelled]
    n_joined = 0
    if card.key is not None:
        n_joined = int(_has_key_of(labelled, unlabelled, card.key).sum())
        unlabelled = unlabelled[~_has_key_of(unlabelled, batch, card.key)]
    if card.operation.arrival == "replace":
        unlabelled = unlabelled[:0]
        rows, (n_new, n_replaced) = stack([labelled]), _exchanged(current, labelled)
    elif card.operation.arrival == "upsert" and card.key is not None:
        rows, n_new, n_replaced = _upserted(current, labelled, card.key)
    else:
        rows, n_new, n_replaced = stack([current, labelled]), len(labelled), 0
    return Merged(rows, stack([unlabelled, waiting]), n_new, n_replaced, len(waiting), n_joined)


def check_replaced(merged: Merged, n_before: int, card: DataCard) -> None:
    """Refuse a batch that would correct more of its table than the card allows.

    Keys that were written or numbered anew name other rows than before: then a batch overwrites what it does not know.

    Parameters
    ----------
    merged : Merged
    n_before : int
        Rows of the table before.
    card : DataCard

    Raises
    ------
    BadInput

    Examples
    --------
    >>> card = DataCard(target="y", key="id", operation={"arrival": "upsert"})
    >>> none = pd.DataFrame()
    >>> check_replaced(Merged(none, none, n_new=50, n_replaced=20, n_unlabelled=0, n_joined=0), 100, card)
    """
    operation = card.operation
    if operation.arrival != "upsert" or merged.n_replaced <= operation.max_replaced * n_before:
        return
    raise BadInput(
        f"The batch would replace {merged.n_replaced:,} of the table's {n_before:,} rows "
        f"({merged.n_replaced / n_before:.0%}); expected at most {operation.max_replaced:.0%}. Check that its "
        f"'{card.key}' names the same rows as the table's; if it does, raise `max_replaced` under `operation` in the "
        "card and run `realmix register` with it: the batch is then considered again."
    )


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames of the same columns, in the types of the first where possible.

    Parameters
    ----------
    frames : sequence of DataFrame

    Returns
    -------
    DataFrame
        Fresh index. Whole numbers become floats if cells are missing.

    Examples
    --------
    >>> first, other = pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [3.0]})
    >>> stack([first, other])["n"].dtype == first["n"].dtype
    True
    """
    return pd.DataFrame({name: _stacked([frame[name] for frame in frames]) for name in frames[0].columns})


def _stacked(columns: Sequence[pd.Series]) -> pd.Series:
    ends = np.cumsum([len(column) for column in columns])
    placed = [
        column.set_axis(range(end - len(column), end)) for column, end in zip(columns, ends, strict=True)
    ]
    # A column without values has no type of its own.
    filled = [column for column in placed if column.notna().any()] or placed[:1]
    stacked = pd.concat(filled).reindex(range(ends[-1]))
    if stacked.dtype == object and stacked.isna().any():
        return stacked.where(stacked.notna(), None)
    wanted = filled[0].dtype
    is_whole = wanted.kind in "iu" and stacked.dtype.kind == "f" and bool((stacked % 1 == 0).all())
    return stacked.astype(wanted) if is_whole else stacked


def _in_form(batch: pd.DataFrame, current: pd.DataFrame, *, with_new: bool) -> pd.DataFrame:
    empty = pd.Series(None, index=batch.index, dtype=object)
    data = {
        name: convert(batch[name] if name in batch.columns else empty, current[name])[0]
        for name in current.columns
    }
    new = {str(name): batch[name] for name in batch.columns if name not in current.columns}
    return pd.DataFrame({**data, **(new if with_new else {})}).reset_index(drop=True)


def _complete_labels(rows: pd.DataFrame, owners: pd.DataFrame, card: DataCard) -> tuple[pd.DataFrame, int]:
    """Set targets into the rows of their keys, and count them; targets of unknown keys come last."""
    found = _places(rows[card.key], owners[card.key])
    rows = rows.iloc[np.argsort(found < 0, kind="stable")]
    found = found[found >= 0]
    whole = stack([owners.iloc[found], rows.iloc[len(found) :]])
    return with_columns(whole, {card.target: rows[card.target].array}), len(found)


def _fill_known_targets(rows: pd.DataFrame, current: pd.DataFrame, card: DataCard) -> pd.DataFrame:
    """Fill missing targets of rows whose target the table has."""
    found = _places(rows[card.key], current[card.key])
    is_filled = (found >= 0) & rows[card.target].isna().to_numpy()
    known, given = current[card.target].to_numpy(object)[found], rows[card.target].to_numpy(object)
    targets = pd.Series(np.where(is_filled, known, given), index=rows.index, dtype=object)
    return with_columns(rows, {card.target: convert(targets, current[card.target])[0]})


def _places(keys: pd.Series, known: pd.Series) -> np.ndarray:
    """Find the last row of `known` with each key; -1 if none or if the key is missing."""
    place = pd.Series(np.arange(len(known)), index=known.to_numpy())[known.notna().to_numpy()]
    place = place[~place.index.duplicated(keep="last")]
    found: np.ndarray = keys.map(place).fillna(-1).to_numpy(dtype=int)
    return found


def _has_key_of(rows: pd.DataFrame, others: pd.DataFrame, key: str) -> np.ndarray:
    return _places(rows[key], others[key]) >= 0


def _upserted(current: pd.DataFrame, labelled: pd.DataFrame, key: str) -> tuple[pd.DataFrame, int, int]:
    """Replace corrected rows of the table in place, and append new rows."""
    both = stack([current, labelled])
    place = _places(current[key], labelled[key])
    old, corrected = np.flatnonzero(place < 0), np.flatnonzero(place >= 0)
    instead = np.arange(len(current))
    instead[corrected] = len(current) + place[corrected]
    # A key that the table had twice remains once.
    remaining = np.sort(np.concatenate([old, corrected[~current[key].iloc[corrected].duplicated()]]))
    new = np.flatnonzero(~_has_key_of(labelled, current, key))
    hashes = _row_hashes(both)
    n_replaced = int((hashes[corrected] != hashes[instead[corrected]]).sum())
    rows = both.iloc[np.concatenate([instead[remaining], len(current) + new])]
    return rows.reset_index(drop=True), len(new), n_replaced


def _exchanged(current: pd.DataFrame, labelled: pd.DataFrame) -> tuple[int, int]:
    """Count the rows that are new, and those that are gone, if one table replaces another."""
    shared = [name for name in current.columns if name in labelled.columns]
    hashes = _row_hashes(stack([current[shared], labelled[shared]]))
    before, after = (
        pd.Series(part).value_counts() for part in (hashes[: len(current)], hashes[len(current) :])
    )
    change = after.sub(before, fill_value=0)
    return int(change.clip(lower=0).sum()), int((-change).clip(lower=0).sum())


def _row_hashes(rows: pd.DataFrame) -> np.ndarray:
    hashed: np.ndarray = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    return hashed

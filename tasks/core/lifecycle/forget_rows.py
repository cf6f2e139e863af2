"""Find the rows of a person, and name what was made from snapshots that held them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.entries import Forgotten
from realmix.tasks.core.table.card import DataCard

# What no removal of rows undoes.
CANNOT_BE_UNLEARNED = (
    "Models that are named below have learned from the rows; until the retraining, a served one keeps answering by them.",
    "The choice of the recipe, and the numbers in verdicts and reports, were measured with the rows among them.",
    "What was copied out of this home (backups, downloads, released tables, results of `realmix run` in folders of your "
    "own) is not reached from here.",
    "A row of the holdout leaves a hash of its unit in the count of holdout reads.",
    "If the source sends the person's rows again, they come back: remove them there, too.",
)


def person_column(card: DataCard) -> str:
    """Return the column that names a person: `group`, whose rows belong together, else `key`.

    Raises
    ------
    BadInput
        If the card names neither.
    """
    column = card.group or card.key
    if column is None:
        raise BadInput(
            "The card names neither `group` nor `key`, so nobody's rows can be found. Add the column that names a "
            "person, and register the table again."
        )
    return column


def rows_of_person(rows: pd.DataFrame, column: str, keys: Collection[str]) -> np.ndarray:
    """Return which rows belong to somebody.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_columns)
        Without the column nothing is found.
    column : str
    keys : collection of str
        Values as they are written; ``0007`` and ``7`` are two people.

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Examples
    --------
    >>> rows_of_person(pd.DataFrame({"id": [7.0, 70, None]}), "id", ["7"]).tolist()
    [True, False, False]
    """
    if column not in rows.columns:
        return np.zeros(len(rows), dtype=bool)
    cells = rows[column]
    written = cells.map(_as_written, na_action="ignore")
    return np.asarray(cells.notna() & written.isin([key.strip() for key in keys]))


def _as_written(cell: Any) -> str:
    # A column of whole numbers with a missing cell is one of floats.
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def forgotten_lines(entry: Forgotten, *, table: str, digest: str, made_at: str) -> Iterator[str]:
    """Yield what was removed, what is stale and what remains, one sentence a line; `digest` is that of the entry."""
    yield (
        f"Removed {entry.n_rows:,} rows of {entry.n_keys} {'person' if entry.n_keys == 1 else 'people'} "
        f"(`{entry.column}`) from '{table}'."
    )
    yield f"  {len(entry.snapshots)} snapshots and {len(entry.files)} other files were rewritten; {entry.n_cached:,} cached results were removed."
    yield f"  proof: entry {digest} of {made_at} in the record of decisions; it holds digests and no key"
    if entry.derived:
        yield "Made from these rows, and stale:"
        yield from (f"  {made.what} of {made.study}  {made.sha256 or ''}".rstrip() for made in entry.derived)
    yield from _versions(entry.versions)
    yield from _bullets("Left for you:", entry.left)
    yield from _bullets("Cannot be unlearned:", CANNOT_BE_UNLEARNED)
    yield f"Next: {entry.retraining}"


def _versions(versions: Collection[str]) -> Iterator[str]:
    if versions:
        yield f"Marked as stale in MLflow: version{'s' * (len(versions) > 1)} {', '.join(versions)}."


def _bullets(title: str, lines: Iterable[str]) -> Iterator[str]:
    lines = list(lines)
    yield from ([title, *(f"  {line}" for line in lines)] if lines else [])

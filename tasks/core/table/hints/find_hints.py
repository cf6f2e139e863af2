"""All hints on a table, and the refusal of a study that leaves a strong one open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.hints.entities import repeated_entities
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.hints.leaks import leaks
from realmix.tasks.core.table.hints.turning_time import turning_times
from realmix.tasks.core.table.hints.values import sentinels, target_outliers
from realmix.tasks.core.table.schema import Schema

MAX_ROWS = 2000


def find_hints(raw: pd.DataFrame, schema: Schema, card: DataCard) -> tuple[Hint, ...]:
    """Return what a table says about its split and its target and its card leaves open.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    card : DataCard

    Returns
    -------
    tuple of Hint
        Strong ones first. Probes see a fixed sample of `MAX_ROWS` rows, so the same table has the same hints.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> raw = pd.DataFrame({"ill": rng.choice(["no", "yes"], 300), "dose": rng.normal(size=300)})
    >>> raw["seen_by"] = np.where(raw["ill"] == "yes", rng.choice(["A", "B"], 300), rng.choice(["C", "D"], 300))
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> [hint.columns for hint in find_hints(raw, infer_schema(raw, "ill"), DataCard(target="ill"))]
    [('seen_by',)]
    """
    picked = np.sort(np.random.default_rng(0).permutation(len(raw))[:MAX_ROWS])
    rows = schema.apply(raw.iloc[picked]).reset_index(drop=True)
    found = [
        *repeated_entities(raw, schema),
        *leaks(rows, schema),
        *turning_times(rows, schema),
        *target_outliers(raw, schema),
        *sentinels(raw, schema, card.sensitive),
    ]
    open_hints: dict[tuple[str, ...], Hint] = {}
    for hint in found:
        if not hint.is_answered(card):
            open_hints.setdefault(hint.columns, hint)
    return tuple(sorted(open_hints.values(), key=lambda hint: not hint.is_strong))


def hint_lines(hints: Sequence[Hint]) -> list[str]:
    """Say how many hints a new card holds as comments, and those that it has to answer before a study.

    Examples
    --------
    >>> hint_lines([Hint("sentinel", ("age",), "'age' has one odd value.")])
    ['It holds 1 hint as a comment, and none has to be answered before a study.']
    """
    strong = [hint.advice for hint in hints if hint.is_strong]
    if not hints:
        return ["It holds no hint: nothing has to be answered before a study."]
    count = "1 hint as a comment" if len(hints) == 1 else f"{len(hints)} hints as comments"
    if not strong:
        return [f"It holds {count}, and none has to be answered before a study."]
    return [f"It holds {count}, and {len(strong)} must be answered before a study:", *strong]


def check_hints(hints: Sequence[Hint]) -> None:
    """Refuse a study of a table whose card leaves a strong hint open.

    Raises
    ------
    BadInput
        With the first of them, and how many more there are.
    """
    strong = [hint for hint in hints if hint.is_strong]
    if strong:
        more = f" ({len(strong) - 1} more such hints; `realmix card` lists all.)" if len(strong) > 1 else ""
        raise BadInput(f"{strong[0].advice}{more}")

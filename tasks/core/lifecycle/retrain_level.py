"""Choice between no retraining, a refit and a new study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from realmix.tasks.core.table.card_parts import Operation

Level = Literal["skip", "refit", "study"]


@dataclass(frozen=True)
class LevelChoice:
    """Extent of a retraining, with its reason."""

    level: Level
    reason: str


@dataclass(frozen=True)
class Changes:
    """Changes of a table since its last full study.

    Attributes
    ----------
    n_studied : int
        Rows of that study.
    n_changed : int
        Rows that arrived or were corrected since.
    age_days : float
    drift : {"none", "drift", "critical"}
    drift_sentence : str
    """

    n_studied: int
    n_changed: int
    age_days: float
    drift: str
    drift_sentence: str


def choose_level(changes: Changes | None, operation: Operation, *, is_changed: bool) -> LevelChoice:
    """Choose between skipping, refitting the same mix on all rows, and a new study.

    Parameters
    ----------
    changes : Changes or None
        None if the table was never studied.
    operation : Operation
    is_changed : bool
        Whether the rows differ from those of the last decision.

    Examples
    --------
    >>> quiet = Changes(n_studied=1000, n_changed=20, age_days=1, drift="none", drift_sentence="")
    >>> choose_level(quiet, Operation(), is_changed=True)
    LevelChoice(level='refit', reason='20 rows came or changed since the last study (2.0 % of its 1,000) and nothing drifted')
    >>> choose_level(quiet, Operation(), is_changed=False).level, choose_level(None, Operation(), is_changed=False).level
    ('skip', 'study')
    """
    if changes is None:
        return LevelChoice("study", "the table was never studied")
    if changes.age_days >= operation.max_age_days:
        return LevelChoice("study", f"the last study is {changes.age_days:.0f} days old")
    if not is_changed:
        return LevelChoice("skip", "no row came or changed since the last decision")
    if changes.drift != "none":
        return LevelChoice("study", changes.drift_sentence)
    share = changes.n_changed / max(changes.n_studied, 1)
    if not changes.n_changed:
        return LevelChoice("refit", "rows were removed since the last study, and none came or changed")
    rows = f"{changes.n_changed:,} rows came or changed since the last study ({100 * share:.1f} % of its {changes.n_studied:,})"
    if share >= operation.refit_growth:
        return LevelChoice("study", rows)
    return LevelChoice("refit", f"{rows} and nothing drifted")

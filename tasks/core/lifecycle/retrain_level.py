"""How much of a study new rows make worth repeating."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from realmix.tasks.core.table.card import Operation

Level = Literal["skip", "refit", "study"]


@dataclass(frozen=True)
class LevelChoice:
    """What to do, and why."""

    level: Level
    reason: str


@dataclass(frozen=True)
class Changes:
    """What happened since the last full study of a table.

    Attributes
    ----------
    n_studied : int
        Rows the study saw.
    n_changed : int
        Rows that came or were corrected since.
    age_days : float
    drift : {"none", "drift", "critical"}
    drift_sentence : str
    """

    n_studied: int
    n_changed: int
    age_days: float
    drift: str
    drift_sentence: str


def choose_level(since: Changes | None, operation: Operation, *, is_changed: bool) -> LevelChoice:
    """Decide between nothing, the same mix on all rows, and a new study.

    Parameters
    ----------
    since : Changes or None
        None where the table was never studied.
    operation : Operation
    is_changed : bool
        Whether the rows are other ones than those last decided on.

    Examples
    --------
    >>> quiet = Changes(n_studied=1000, n_changed=20, age_days=1, drift="none", drift_sentence="")
    >>> choose_level(quiet, Operation(), is_changed=True)
    LevelChoice(level='refit', reason='20 rows came or changed since the last study (2.0 % of its 1,000) and nothing drifted')
    >>> choose_level(quiet, Operation(), is_changed=False).level, choose_level(None, Operation(), is_changed=False).level
    ('skip', 'study')
    """
    if since is None:
        return LevelChoice("study", "the table was never studied")
    if since.age_days >= operation.max_age_days:
        return LevelChoice("study", f"the last study is {since.age_days:.0f} days old")
    if not is_changed:
        return LevelChoice("skip", "no row came or changed since the last decision")
    if since.drift != "none":
        return LevelChoice("study", since.drift_sentence)
    share = since.n_changed / max(since.n_studied, 1)
    rows = f"{since.n_changed:,} rows came or changed since the last study ({100 * share:.1f} % of its {since.n_studied:,})"
    if share >= operation.refit_growth:
        return LevelChoice("study", rows)
    return LevelChoice("refit", f"{rows} and nothing drifted")

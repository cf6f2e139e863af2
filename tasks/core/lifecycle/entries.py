"""Documents of the record of decisions, version 1: what an entry of each kind holds.

An entry quotes no cells, and is stored as JSON with its keys in alphabetical order. A field with a
default was added later, or is absent where there was nothing to say. A gain is the challenger's,
positive = better, as in :mod:`realmix.tasks.core.report.verdict_document`; intervals are 90 %
intervals. Their JSON schemas are in ``report/schemas``, by kind of entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from realmix.tasks.core.documents import Bounds, Document, Known, Number, Part
from realmix.tasks.core.lifecycle.retrain_level import Level
from realmix.tasks.core.table.card_parts import Use

# Kinds of entries: a person answers for a use of a table; a person's rows were removed.
RESPONSIBILITY, FORGOTTEN = "responsibility", "forgotten"
# The last two are of a review only: there was no champion; the study was not decided.
Word = Literal["promote", "keep champion", "not yet decidable", "first", "not decided"]


@dataclass(frozen=True)
class Gate:
    """One condition on the challenger; `passed` is None while it is undecided."""

    name: str
    passed: bool | None
    sentence: str
    numbers: Mapping[str, Any]


class Judgement(Document):
    """Result of the comparison of two versions.

    `n_rows` were compared; `rows_needed` could show that the challenger is not worse, and is None with
    too few rows compared. The scores are in the metric's units; `gain` is a share of the champion's score
    if the metric's margin is relative. A loss within `tolerance`, in units of `gain`, still counts as
    "not worse". `waits_for_approval` if the result is undecided but drift is critical: a person must
    choose. `decisions_served` is the smallest and largest number of decisions that a row was used in.
    """

    what: ClassVar[str] = "judgement"

    word: Word
    reason: str = ""
    gates: tuple[Gate, ...] = ()
    metric: str = ""
    n_rows: int = 0
    rows_needed: int | None = None
    champion_score: Known = None
    challenger_score: Known = None
    gain: Known = None
    interval: Bounds | None = None
    tolerance: Known = None
    waits_for_approval: bool = False
    decisions_served: tuple[int, int] | None = None


class Review(Judgement):
    """Judgement on the model of a study, with the versions, snapshots and digests of files compared.

    `is_pending` where MLflow did not answer: the review is repeated later.
    """

    what: ClassVar[str] = "record entry of a review"

    study: str
    challenger_version: str | None
    challenger_snapshot: str | None = None
    champion_version: str | None = None
    champion_snapshot: str | None = None
    drift_is_critical: bool = False
    is_pending: bool
    challenger_files: dict[str, str] | None = None
    champion_files: dict[str, str] | None = None

    @property
    def reviewed_version(self) -> str:
        """The challenger's version where MLflow has it: the review is not pending, and the study decided."""
        assert self.challenger_version is not None
        return self.challenger_version


class Reviewed(Review):
    """Review as a retraining quotes it; `promoted` tells whether its version became the champion."""

    promoted: bool = False


class Move(Document):
    """Intended change of the champion, with who decided it and why."""

    what: ClassVar[str] = "record entry of a change of the champion"

    version: str
    replaces: str | None
    reason: str = ""
    by: str = ""


class Promotion(Move):
    """Promotion of a challenger, with the numbers of its review."""

    study: str | None = None
    word: Word | None = None
    metric: str | None = None
    n_rows: int | None = None
    champion_score: Known = None
    challenger_score: Known = None
    gain: Known = None
    interval: Bounds | None = None
    champion_snapshot: str | None = None
    challenger_snapshot: str | None = None


class Rollback(Move):
    """Return to an earlier champion, with the snapshots of both."""

    snapshot: str | None = None
    replaced_snapshot: str | None = None


class Settled(Document):
    """Confirmation that MLflow's alias follows the move whose digest is `settles`."""

    what: ClassVar[str] = "record entry of a settled move"

    settles: str
    version: str


class CleanedVersions(Document):
    """Superseded versions that were removed from MLflow."""

    what: ClassVar[str] = "record entry of a removal"

    versions: tuple[str, ...]


class Epoch(Document):
    """Later holdout of a table ordered in time: rows after `cutoff` are in it."""

    what: ClassVar[str] = "record entry of an epoch"

    cutoff_before: Number
    cutoff: Number
    snapshot: str


class Responsibility(Document):
    """Answer of a person for a use that the card does not permit; `study` is absent for all of a registered table."""

    what: ClassVar[str] = "record entry of a responsibility"

    use: Use
    gaps: tuple[str, ...]
    reason: str
    by: str
    snapshot: str
    study: str | None = None


class Rewritten(Part):
    """sha256 of a file before and after a person's rows were removed."""

    before: str
    after: str


class Derived(Part):
    """What a study made from rows that were removed later: a pool, a training table, a model or a report."""

    study: str
    what: str
    sha256: str | None


class Forgotten(Document):
    """Proof that rows of people were removed; it holds no key, and no hash of one, which could be guessed.

    `snapshots` are digests before and after; `files` lie in the home; `studies` and `versions` are stale; `left` is
    what a person must remove; `retraining` is what is planned.
    """

    what: ClassVar[str] = "record entry of a removal of rows"

    by: str
    column: str
    n_keys: int
    n_rows: int
    snapshot: str
    snapshots: dict[str, str]
    files: dict[str, Rewritten]
    n_cached: int
    studies: tuple[str, ...]
    versions: tuple[str, ...]
    derived: tuple[Derived, ...]
    left: tuple[str, ...]
    retraining: str


class Winner(Part):
    """Arm that shipped."""

    name: str
    synthesizer: str | None


class Retraining(Document):
    """A retraining, or why there was none; the fields from `study` on are absent where it was skipped."""

    what: ClassVar[str] = "record entry of a retraining"

    why: str = ""
    level: Level
    reason: str = ""
    snapshot: str | None = None
    n_changed: int | None = None
    drift: dict[str, Any] | None = None
    arrivals: tuple[dict[str, Any], ...] = ()
    study: str | None = None
    n_rows: int | None = None
    verdict: str | None = None
    winner: Winner | None = None
    promised_gain: Known = None
    holdout: str | None = None
    run_id: str | None = None
    version: str | None = None
    judgement: Reviewed | None = None

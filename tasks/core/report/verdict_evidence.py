"""Optional parts of the verdict document: learners, race, generalisation, rows saved, rows to collect and drift."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from realmix.tasks.core.decision.outcomes import Outcome
from realmix.tasks.core.documents import Bounds, Known, Number, Part


class ScoreOfLearner(Part):
    """An arm of a learner and its score on validation rows."""

    name: str
    score: Known


class MixOfLearner(ScoreOfLearner):
    """The best mix of a learner, with its measured gain over the learner on real rows, which chance flatters."""

    gain: Known
    interval: Bounds


class CreditedGain(Part):
    """A part of a gain with its 90 % interval."""

    gain: Known
    interval: Bounds


class CreditOfLearner(Part):
    """Parts of the gain of the best mix over the first trial on real rows; None where nothing was tried.

    From :class:`realmix.tasks.core.decision.credit.Credit`.
    """

    tuning: CreditedGain | None
    labels: CreditedGain | None
    synthetic_rows: CreditedGain | None
    whole: CreditedGain


class VerdictOnLearner(Part):
    """A learner compared with itself on real rows.

    From :func:`realmix.tasks.core.decision.learners.describe_learners`. `mix` is the best candidate, None
    without any; `gain` is promised, None where real only stays; `distance`, at most 0, is the gain of what
    this verdict ships over the best that any of them ships.
    """

    model: str
    word: Outcome
    sentence: str
    reason: str
    real_only: ScoreOfLearner
    mix: MixOfLearner | None
    gain: Known
    interval: Bounds | None
    smallest_provable_gain: Known
    distance: Known
    credit: CreditOfLearner | None = None


class Dropped(Part):
    """An arm that left the race."""

    arm: str
    after_block: int
    reason: str


class Race(Part):
    """Arms dropped early and the time saved, from :func:`realmix.tasks.core.report.describe_race.describe_race`."""

    blocks: int
    dropped: tuple[Dropped, ...]
    generator_seconds: Number
    full_grid_generator_seconds: Number


class FoldScores(Part):
    """Mean score on training and on validation rows; a positive `gap` is overfitting."""

    training: Known
    validation: Known
    gap: Known


class Gap(Part):
    """Overfitting of both models, from :func:`realmix.tasks.core.scores.generalisation.describe_gap`."""

    real_only: FoldScores | None
    mix: FoldScores | None
    difference: Known
    interval: Bounds | None
    sentence: str


class SampleGain(Part):
    """Scores and gain on some rows; how much worse than on unshifted ones is known under a shift only."""

    name: str
    n_rows: int
    real_only: Known
    mix: Known
    gain: Known
    interval: Bounds | None
    real_only_worsens: Known = None
    mix_worsens: Known = None


class SliceOfRows(SampleGain):
    """Scores and gain on a slice; `vetoes` if the mix must not ship because of it."""

    is_declared: bool
    vetoes: bool


class Shift(Part):
    """The gain at both ends of the table or forward in time, from :mod:`realmix.tasks.core.scores.shift`."""

    kind: str
    unshifted: SampleGain | None = None
    samples: tuple[SampleGain, ...]
    gain: Known
    interval: Bounds | None
    trend: Known = None
    trend_interval: Bounds | None = None
    sentence: str


class Generalisation(Part):
    """Overfitting, slices and shift; slices may be scored by another metric than the one that decides."""

    metric: str
    margin_is_relative: bool
    gap: Gap | None
    slices: tuple[SliceOfRows, ...]
    worst_slice_gain: Known
    shift: Shift | None
    sentence: str


class CurvePoint(Part):
    """Real only at a number of rows: the monotone curve with its band, and the measured mean."""

    n_rows: int
    score: Number
    low: Number
    high: Number
    measured: Number
    arm: str


class CurveMix(Part):
    """The mix beside the learning curve."""

    n_rows: int
    score: Number


Censored = Literal["below", "above"] | None


class RowsSaved(Part):
    """Real rows that the best mix is worth; `censored` says where a number is a bound only.

    From :func:`realmix.tasks.core.scores.rows_saved.describe_rows_saved`.
    """

    arm: str
    n0: int
    n_eq: int
    multiplier: Number
    interval: tuple[int, int]
    interval_censored: tuple[Censored, Censored]
    censored: Censored
    rows_saved: int
    money: Known
    currency: str | None
    days: Known
    n_folds: int
    curve: tuple[CurvePoint, ...]
    mix: CurveMix
    sentence: str


class Collected(Part):
    """What `n_more` real rows would bring: the median gain with its 80 % interval, and what they cost."""

    n_more: int
    gain: Number
    interval: tuple[Number, Number]
    chance_below: Number
    money: Known
    days: Known
    is_guess: bool


class CollectedSlice(Collected):
    """What more rows of a slice alone would bring to it, by `metric`, and to all rows."""

    name: str
    metric: str
    margin_is_relative: bool
    n_rows: int
    overall_gain: Number


class MeasuredPoint(Part):
    """Mean score of real only at a number of rows."""

    n_rows: int
    score: Number


class ContinuedPoint(MeasuredPoint):
    """The continued curve with its 80 % band."""

    low: Number
    high: Number


class Collecting(Part):
    """What more real rows would bring, from :func:`realmix.tasks.core.scores.collecting.describe_collecting`.

    `chance_below` is that of a gain smaller than `worthwhile`; the last of `steps` doubles the table.
    """

    metric: str
    arm: str
    n_rows: int
    measured_to: int
    worthwhile: Number
    currency: str | None
    measured: tuple[MeasuredPoint, ...]
    curve: tuple[ContinuedPoint, ...]
    steps: tuple[Collected, ...]
    slices: tuple[CollectedSlice, ...]


class Drift(Part):
    """New rows against those of the last study, from :meth:`realmix.tasks.core.lifecycle.drift.Drift.to_dict`."""

    level: str
    sentence: str
    false_alarm_rate: Number
    n_reference: int
    n_new: int
    n_differing: int | None = None
    n_by_chance: Number | None = None
    columns: tuple[dict[str, Any], ...]
    target: dict[str, Any] | None
    domain: dict[str, Known] | None
    synthetic: dict[str, Known] | None
    changed_units: dict[str, Known] = Field(default_factory=dict)
    seed: int

"""Verdict document: the content of ``verdict.json``, version 1.

Strict JSON; what could not be computed is null. Gains are positive = better: shares of the real-only
score where ``metric.margin_is_relative``, otherwise in the metric's units. All intervals are 90 %
intervals. Fields with a default were added later, or are absent from some documents; a document is
written again with the fields that it was read with. ``schemas/verdict-1.json`` is its JSON schema.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from realmix.tasks.core.decision.outcomes import Outcome
from realmix.tasks.core.documents import Bounds, Document, Known, Number, Part
from realmix.tasks.core.fairness.assessment import Fairness
from realmix.tasks.core.privacy.study_privacy import StudyPrivacy
from realmix.tasks.core.report.model_evidence import Likeness, ModelEvidence
from realmix.tasks.core.report.verdict_evidence import (
    Collecting,
    Drift,
    Generalisation,
    Race,
    RowsSaved,
    VerdictOnLearner,
)


class Hint(Part):
    """A finding of the table that its card leaves open."""

    kind: str
    columns: tuple[str, ...]
    sentence: str
    answers: tuple[str, ...]
    is_strong: bool


class Reading(Part):
    """How each column was read, from :meth:`realmix.tasks.core.table.reading_report.ReadingReport.to_dict`."""

    notes: tuple[str, ...]
    columns: dict[str, dict[str, Any]]


class StudiedTable(Part):
    """The table, without any of its cells; earlier documents list `columns_set_apart` without reasons."""

    name: str
    source: str
    target: str
    task: str
    classes: tuple[str, ...]
    positive: str | None
    n_rows: int
    n_development: int
    n_holdout: int
    n_features: int
    columns_set_apart: dict[str, str] | tuple[str, ...] = Field(default_factory=dict)
    hints: tuple[Hint, ...] = ()
    read_as: dict[str, Any] = Field(default_factory=dict)


class Recipe(Part):
    """Fields of a mix."""

    synthesizer: str | None
    synthetic_ratio: Number
    weight: Number
    label_rule: str
    balance: str
    real_labels: str = "own"


class ShippedArm(Part):
    """A mix with its model and hyper-parameters.

    `threshold` is the probability of the positive class from which on a row is labelled positive; None where the
    most probable class is the label.
    """

    name: str
    mix: str
    recipe: Recipe
    in_words: str
    model: str
    trial: int
    params: dict[str, Any]
    threshold: Known = None


class MetricOfStudy(Part):
    """The deciding metric; `margin` is the smallest gain that matters."""

    name: str
    direction: str
    margin: Number
    margin_is_relative: bool


class Scored(Part):
    """An arm's score on validation rows."""

    name: str
    score: Known
    interval: Bounds


class Control(Part):
    """The best mix against a control, or real only against a constant."""

    control: str
    gain: Known
    interval: Bounds
    beats: bool


class Validation(Part):
    """Best mix (shipped or not; None without candidates) and real only on validation rows.

    `expected_provable_gain` is the estimate before the race.
    """

    real_only: Scored
    mix: Scored | None
    n_rows: int
    n_folds: int
    n_validation: Known
    n_train: Known
    naive_gain: Known
    promised_gain: Known
    promised_interval: Bounds
    optimism: Known
    challenger_gain: Known
    standard_error: Known
    p_corrected: Known
    p_holm: Known
    p_max: Known
    p_value: Known
    share_of_folds_won: Known
    beats_duplicates: Control | None
    beats_shuffled: Control | None
    beats_distillation: Control | None
    beats_class_weights: Control | None = None
    beats_constant: Control | None = None
    calibration_change: Known
    smallest_provable_gain: Known
    finalists: dict[str, Known] = Field(default_factory=dict)
    shrunken_gain: Known
    loss_chance: Known
    rows_to_prove: Known
    expected_provable_gain: Known = None


class HoldoutScore(Part):
    """A score on the holdout."""

    score: Known
    interval: Bounds


class Holdout(Part):
    """The only reading of the holdout; what is about a mix or its gain is None if real only ships."""

    n_rows: int
    real_only: HoldoutScore
    mix: HoldoutScore | None
    gain: Known
    interval: Bounds | None
    standard_error: Known
    constant: Known = None
    loses_to_constant: bool = False
    decisions_served: tuple[int, int] = (1, 1)
    promised: Known
    prediction_interval: Bounds | None
    inside_interval: bool | None
    sentence: str


class GateResult(Part):
    """A condition, whether it was met, and the outcomes that need it."""

    name: str
    passed: bool
    measured: Known
    required: Known
    sentence: str
    needed_for: tuple[str, ...]


class ArmOfStudy(Part):
    """The best trial of a mix and a model; one dropped early is scored on the folds that it ran."""

    name: str
    mix: str
    role: str
    synthesizer: str | None
    synthetic_ratio: Number
    weight: Number
    label_rule: str
    balance: str
    real_labels: str = "own"
    model: str
    trial: int
    score: Known
    std: Known
    interval: Bounds
    gain: Known
    gain_interval: Bounds
    p_corrected: Known
    share_of_folds_won: Known
    extra_metrics: dict[str, Known]
    why: str


class SynthesizerCount(Part):
    """Rows that a synthesizer was asked for and made, over all folds; `repaired` and `dropped` by the card's rules."""

    name: str
    fits: int
    failed: int
    asked: int
    made: int
    kept: int
    copies_of_real: int
    repaired: int = 0
    dropped: int = 0


class Teacher(Part):
    """Score of the ensemble that labels synthetic rows, for reference."""

    score: Known


class FinalFit(Part):
    """Rows of the shipped fit, and what memory or time limited in it."""

    n_real: int
    n_synthetic: int
    n_teacher: int | None
    sentence: str | None


class Permission(Part):
    """Use that was made of the table; with a `reason` where a person answers for what the card's `gaps` forbid."""

    use: str
    gaps: tuple[str, ...]
    reason: str | None


class Tracking(Part):
    """Where MLflow holds the study; stored beside the document, in ``tracking.json``."""

    uri: str
    experiment: str
    run_id: str | None
    error: str | None
    model: str | None = None
    version: str | None = None
    page: str | None = None


class VerdictDocument(Document):
    """Results of a study, or of a later fit of its winner (`renewal_of` names the study).

    `winner` is real only if the word is "keep real only" or "not decided"; `plan` holds the fields
    of ``plan.json``, `missing` the parts that a hard limit cut off.
    """

    what: ClassVar[str] = "verdict document"

    schema_version: Literal[1]
    realmix_version: str
    study: str
    table: StudiedTable
    reading: Reading | None = None
    complete: bool
    missing: tuple[str, ...]
    word: Outcome
    sentence: str
    reason: str
    winner: ShippedArm
    real_only: ShippedArm
    metric: MetricOfStudy
    validation: Validation
    holdout: Holdout | None
    holdout_reason: str | None
    gates: tuple[GateResult, ...]
    arms: tuple[ArmOfStudy, ...]
    disqualified: dict[str, str]
    synthesizers: tuple[SynthesizerCount, ...] = ()
    teacher: Teacher = Teacher(score=None)
    race: Race | None = None
    generalisation: Generalisation | None = None
    fairness: Fairness | None = None
    learners: tuple[VerdictOnLearner, ...] = ()
    rows_saved: RowsSaved | None = None
    rows_saved_reason: str | None = None
    collecting: Collecting | None = None
    privacy: StudyPrivacy | None = None
    model_evidence: ModelEvidence | None = None
    likeness: Likeness | None = None
    final_fit: FinalFit | None = None
    drift: Drift | None = None
    plan: dict[str, Any]
    seconds: dict[str, Number]
    seeds: dict[str, int]
    digests: dict[str, str]
    versions: dict[str, str]
    provenance: dict[str, str | tuple[str, ...] | None]
    permission: Permission | None = None
    renewal_of: str | None = None
    tracking: Tracking | None = None

"""A plan: everything that determines a verdict beside data, card and seed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from realmix.tasks.core.contracts.specs import CONTROLS, ENSEMBLE, NULL_MODEL
from realmix.tasks.core.documents import published
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.arms import Arm, Balance, LabelRule, Mix, RealLabels
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card_parts import Deploy
from realmix.tasks.core.table.schema import Task

N_BOOTSTRAP = 1000
DEFAULT_RATIOS = (0.5, 1.0, 2.0, 5.0)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=100)]
Positive = Annotated[int, Field(ge=1, le=10**9)]
NotNegative = Annotated[int, Field(ge=0)]
Few = Annotated[int, Field(ge=1, le=1000)]
Amount = Annotated[float, Field(gt=0, le=100)]
Seconds = Annotated[float, Field(gt=0)]
# Trials of a learner with labels of a kind.
Trials = Mapping[tuple[str, LabelRule], Sequence[int]]


@dataclass(frozen=True)
class TableShape:
    """What the cost of a study depends on.

    Attributes
    ----------
    n_all, n_development : int
        Rows in the table, and rows that are not on the holdout side.
    n_columns, n_classes : int
        Features; classes, 1 for regression.
    task : Task
    rarest_share : float
        Share of the rarest class, 1 for regression.
    has_time : bool
    n_levels : int
        Columns that all categories take when they are one-hot coded.
    has_slices : bool
        Whether the card declares columns whose groups are looked at by themselves.
    has_sensitive : bool
        Whether some of them are sensitive.
    """

    n_all: int
    n_development: int
    n_columns: int
    n_classes: int
    task: Task
    rarest_share: float
    has_time: bool = False
    n_levels: int = 0
    has_slices: bool = False
    has_sensitive: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that determines a verdict beside data, card and seed."""

    # For `from_dict`: a plan comes from a file that anyone may have edited.
    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    seed: NotNegative
    task: Task
    metric: Name
    holdout: HoldoutRule
    n_development: Positive
    n_folds: Annotated[int, Field(ge=2, le=100)]
    n_repeats: Few
    forward: bool
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    n_trials: Few
    synthesizers: Mapping[Name, Positive | None]
    ratios: Annotated[tuple[Amount, ...], Field(min_length=1)]
    weights: Annotated[tuple[Amount, ...], Field(min_length=1)]
    label_rules: Annotated[tuple[LabelRule, ...], Field(min_length=1)]
    balances: Annotated[tuple[Balance, ...], Field(min_length=1)]
    teacher: Annotated[tuple[tuple[Name, NotNegative], ...], Field(min_length=1)]
    n_workers: Annotated[int, Field(ge=1, le=10_000)]
    threads_per_fit: Few
    n_bootstrap: Annotated[int, Field(ge=1, le=100_000)] = N_BOOTSTRAP
    timeout_seconds: Mapping[Name, Seconds] = field(default_factory=dict)
    budget_seconds: Seconds | None = None
    estimate_seconds: Mapping[str, Annotated[float, Field(ge=0)]] = field(default_factory=dict)
    machine_speed: Annotated[float, Field(gt=0)] = 1.0
    # Of the estimate, by earlier studies here.
    corrections: Mapping[str, Annotated[float, Field(gt=0)]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    expected_provable_gain: float | None = None  # from the priors, before the race
    curve_repeats: Annotated[int, Field(ge=0, le=100)] = (
        0  # of the folds that the rows-saved curve is measured on
    )
    # Of real only and its distillation, where more than n_trials.
    n_real_trials: Annotated[int, Field(ge=0, le=1000)] = 0
    max_teacher_rows: Positive | None = (
        None  # real rows that the teacher of a final fit learns from; None for all
    )
    max_synthetic_rows: Positive | None = None  # in a final fit; fewer weigh as much together
    memory_bytes: NotNegative | None = None  # estimated peak, of all processes where there are two workers
    on_gpu: tuple[Name, ...] = ()  # generators and learners that train on a GPU
    # sha256 of the files of weights that members of the teacher from outside read.
    pretrained: Mapping[Name, str] = field(default_factory=dict)
    # With "half" the largest ratio with the teacher's labels comes also with softened real labels: weighing as
    # much as the real rows and, for learners that are no member of the teacher, as its number of rows.
    real_labels: Annotated[tuple[RealLabels, ...], Field(min_length=1)] = ("own",)

    def mixes(self) -> Iterator[Mix]:
        """Yield every mix of the study: real only and its distillation, controls, candidates."""
        yield Mix()
        yield Mix(label_rule="teacher")
        if "balanced" in self.class_balances:
            yield Mix(balance="balanced")
        for synthesizer in (*CONTROLS, *self.synthesizers):
            yield from self.mixes_of(synthesizer)

    def mixes_of(self, synthesizer: str) -> Iterator[Mix]:
        """Yield the mixes that draw on one synthesizer's pool."""
        for rule in self.label_rules:
            for balance in self.balances:
                for ratio in self.ratios:
                    for weight in self.weights:
                        yield Mix(synthesizer, ratio, weight, rule, balance)
        if "half" in self.real_labels and "teacher" in self.label_rules:
            for balance in self.balances:
                for weight in dict.fromkeys((1.0, self.max_ratio)):
                    mix = Mix(synthesizer, self.max_ratio, weight, "teacher", balance, "half")
                    if self.learners_of(mix):
                        yield mix

    @property
    def class_balances(self) -> tuple[Balance, ...]:
        """Balances of the real rows alone: class weights are a control of every classification."""
        return ("prior",) if self.task == "regression" else ("prior", "balanced")

    def arms_of(self, mix: Mix, null_models: Sequence[str] = (), best: Trials | None = None) -> Iterator[Arm]:
        """Yield the learners and trials of one mix.

        Learners that know no feature, and the ensemble, run once, with real only alone.
        `best` are the trials that a mix tries, from :func:`realmix.tasks.core.decision.tuned_trials.best_trials`; the
        first ones where a learner has none there.
        """
        for model in self.learners_of(mix):
            if model in (*null_models, ENSEMBLE):
                if mix == Mix():
                    yield Arm(mix, model)
                continue
            trials: Sequence[int] = range(self.n_trials_of(mix))
            if best and mix.role != "real_only":
                trials = best.get((model, mix.label_rule), trials)
            for trial in trials:
                yield Arm(mix, model, trial)

    @property
    def teacher_models(self) -> tuple[str, ...]:
        """Models of the teacher, of each of which it takes the best trial."""
        return tuple(dict.fromkeys(name for name, _ in self.teacher))

    def learners_of(self, mix: Mix) -> tuple[str, ...]:
        """Return the learners of a mix: the teacher's own members learn little of rows that outweigh the real ones."""
        if mix.weight <= 1:
            return self.models
        own = (*self.teacher_models, ENSEMBLE, NULL_MODEL)
        return tuple(model for model in self.models if model not in own)

    def n_trials_of(self, mix: Mix) -> int:
        """Return the trials of each learner on a mix.

        Real only may have more: they cost no synthetic rows, and a mix must beat a tuned learner.
        """
        return max(self.n_real_trials, self.n_trials) if mix.role == "real_only" else self.n_trials

    @property
    def max_ratio(self) -> float:
        """Synthetic rows per real row in the largest mix."""
        return max(self.ratios)

    def n_teacher(self, n_real: int) -> int:
        """Return how many of `n_real` real rows a teacher learns from."""
        return min(n_real, self.max_teacher_rows or n_real)

    def n_synthetic(self, n_real: int) -> int:
        """Return how many synthetic rows the largest mix adds to `n_real` real ones."""
        wanted = round(self.max_ratio * n_real)
        return min(wanted, self.max_synthetic_rows or wanted)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the names of all mixes, as ``plan.json`` stores them."""
        fields = dataclasses.asdict(self) | {"mixes": [mix.name for mix in self.mixes()]}
        # As in a plan from before these were stored, which keeps its digest.
        absent = {"corrections": {}, "real_labels": ("own",), "pretrained": {}}
        return {name: value for name, value in fields.items() if name not in absent or value != absent[name]}

    @classmethod
    def schema_text(cls) -> str:
        """Return the JSON schema of :meth:`to_dict` as it is published."""
        schema = TypeAdapter(cls).json_schema()
        schema["properties"]["mixes"] = {"items": {"type": "string"}, "title": "Mixes", "type": "array"}
        return published(schema)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Rebuild a plan from :meth:`to_dict`.

        Raises
        ------
        BadInput
            If a field is missing, unknown, of another type or out of its range.
        """
        if not isinstance(data, Mapping):
            raise BadInput(f"The plan is a {type(data).__name__}; expected the fields of a plan.json.")
        fields = json.dumps({key: value for key, value in data.items() if key != "mixes"})
        try:
            return TypeAdapter(cls).validate_json(fields, strict=True)
        except ValidationError as err:
            first = err.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"The plan's `{name}`: {first['msg']}. Give an unchanged plan.json.") from err


@dataclass(frozen=True)
class Asked:
    """What the user named; None leaves the choice to the planner.

    `first` is the synthesizer of the last winner: it comes first, and is not left out. `teachers` label rows
    beside the usual members of the teacher. `deploy` and
    `is_monotone` (whether any feature has a direction) are the card's limits of what may be deployed.
    """

    synthesizers: tuple[str, ...] | None = None
    ratios: tuple[float, ...] | None = None
    models: tuple[str, ...] | None = None
    first: str | None = None
    deploy: Deploy = field(default_factory=Deploy)
    is_monotone: bool = False
    teachers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """Sizes of the development and the holdout side, and why there is no holdout where there is none."""

    n_all: int
    n_development: int
    n_holdout: int
    no_holdout: str | None


@dataclass(frozen=True)
class Block:
    """One fold of one repeat, and the name of its scope."""

    repeat: int
    fold: int
    scope: str


@dataclass(frozen=True)
class Layout:
    """A plan and all its folds, in running order."""

    plan: Plan
    blocks: tuple[Block, ...]

    @property
    def n_first(self) -> int:
        """Number of blocks in the first repeat."""
        return sum(block.repeat == 0 for block in self.blocks)


# At most this many mixes of a learner run in the repeats after a race, and are tested as finalists.
MAX_FINALISTS = 4

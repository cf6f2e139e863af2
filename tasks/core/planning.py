"""Turn a time budget into a plan, before anything is fitted.

The cost table is spread over the plug-ins (each SPEC carries its formula, in seconds of one
thread of the reference machine) and `OVERHEAD_SECONDS` here. One timing probe scales all of
it to this machine. Starting from everything worth running, the planner leaves things out in a
fixed order until the estimate fits, and says what it left out. After that no clock decides.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.core.arms import CONTROL_SYNTHESIZERS, Arm, Balance, LabelRule, Mix
from tasks.core.plugins import ModelSpec, SynthesizerSpec
from tasks.core.schema import Task
from tasks.core.splitting import HoldoutRule

DEFAULT_RATIOS = (0.5, 1.0, 2.0, 5.0)
# Share of the budget that is planned for; the rest absorbs what an estimate cannot know.
PLANNED_SHARE = 0.9
# Two workers rarely end together, and share memory bandwidth.
PARALLEL_EFFICIENCY = 0.85
# Seconds of the reference machine that no arm explains, by stage.
OVERHEAD_SECONDS = {
    "start": 13.0,  # Prefect's server, imports, workers, and their end
    "validate": 3.5,  # Great Expectations' import and the raw suite
    "plan": 3.0,  # the timing probe, imports in the workers
    "compare": 4.0,
    "track": 5.0,  # MLflow's records, artifacts and the model version
    "report": 2.5,
}
GATE_SECONDS = 0.04  # one synthetic table through its suite
CHILD_RUN_SECONDS = 0.05  # one mix into MLflow
SDV_IMPORT_SECONDS = 6.0  # once per worker
SMALL_TABLE_ROWS = 300
RARE_CLASS_SHARE = 0.2
N_BOOTSTRAP = 1000
MIN_DEVELOPMENT_ROWS = 500
MIN_TIMEOUT_SECONDS = 60.0
TIMEOUT_FACTOR = 10.0
INNER_FOLDS = 3


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
    """

    n_all: int
    n_development: int
    n_columns: int
    n_classes: int
    task: Task
    rarest_share: float
    has_time: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that decides a verdict beside data, card and seed."""

    seed: int
    task: Task
    metric: str
    holdout: HoldoutRule
    n_development: int
    n_folds: int
    n_repeats: int
    forward: bool
    models: tuple[str, ...]
    n_trials: int
    synthesizers: Mapping[str, int | None]
    ratios: tuple[float, ...]
    weights: tuple[float, ...]
    label_rules: tuple[LabelRule, ...]
    balances: tuple[Balance, ...]
    teacher: tuple[tuple[str, int], ...]
    n_workers: int
    threads_per_fit: int
    n_bootstrap: int = N_BOOTSTRAP
    timeout_seconds: Mapping[str, float] = field(default_factory=dict)
    budget_seconds: float | None = None
    estimate_seconds: Mapping[str, float] = field(default_factory=dict)
    machine_speed: float = 1.0
    left_out: tuple[str, ...] = ()

    def mixes(self) -> Iterator[Mix]:
        """Every mix of the study: real only and its distillation, controls, candidates."""
        yield Mix()
        yield Mix(label_rule="teacher")
        if "balanced" in self.class_balances:
            yield Mix(balance="balanced")
        for synthesizer in (*CONTROL_SYNTHESIZERS, *self.synthesizers):
            yield from self.mixes_of(synthesizer)

    def mixes_of(self, synthesizer: str) -> Iterator[Mix]:
        """The mixes that draw on one synthesizer's pool."""
        for rule in self.label_rules:
            for balance in self.balances:
                for ratio in self.ratios:
                    for weight in self.weights:
                        yield Mix(synthesizer, ratio, weight, rule, balance)

    @property
    def class_balances(self) -> tuple[Balance, ...]:
        """Balances of the real rows alone: class weights are a control of every classification."""
        return ("prior",) if self.task == "regression" else ("prior", "balanced")

    def arms_of(self, mix: Mix, null_models: Sequence[str] = ()) -> Iterator[Arm]:
        """Learners and trials of one mix; models without features stand with real only."""
        for model in self.models:
            if model in null_models:
                if mix == Mix():
                    yield Arm(mix, model)
                continue
            for trial in range(self.n_trials):
                yield Arm(mix, model, trial)

    @property
    def max_ratio(self) -> float:
        return max(self.ratios)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"mixes": [mix.name for mix in self.mixes()]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        fields = {k: _hashable(v) for k, v in data.items() if k != "mixes"}
        fields["holdout"] = HoldoutRule.from_dict(data["holdout"])
        for name in ("synthesizers", "timeout_seconds", "estimate_seconds"):
            fields[name] = dict(data[name])
        return cls(**fields)


@dataclass(frozen=True)
class Asked:
    """What the user named; None leaves the choice to the planner."""

    synthesizers: tuple[str, ...] | None = None
    ratios: tuple[float, ...] | None = None
    models: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Costs:
    """The cost table: formulae of the plug-ins, scaled to this machine."""

    synthesizers: Mapping[str, SynthesizerSpec]
    models: Mapping[str, ModelSpec]
    machine_speed: float = 1.0

    def estimate(self, plan: Plan, shape: TableShape) -> dict[str, float]:
        """Expected wall seconds of a plan, by stage.

        Returns
        -------
        dict
            Stage to seconds; their sum is the whole run, start-up included.
        """
        folds = plan.n_folds * plan.n_repeats
        n_train = round(plan.n_development * (1 - 1 / plan.n_folds))
        pools = (*CONTROL_SYNTHESIZERS, *plan.synthesizers)
        n_mixes = sum(1 for _ in plan.mixes()) * len(plan.models)
        scale = self.machine_speed / (plan.n_workers * PARALLEL_EFFICIENCY)
        sdv = any(self.synthesizers[s].family in ("copula", "gan", "vae") for s in pools)
        seconds = {stage: cost * self.machine_speed for stage, cost in OVERHEAD_SECONDS.items()}
        seconds["start"] += SDV_IMPORT_SECONDS * sdv * self.machine_speed
        seconds["teacher"] = folds * self.teacher(plan, shape, n_train) * scale
        seconds["synthesize"] = folds * sum(self.pool(plan, shape, s, n_train) for s in pools) * scale
        seconds["gate"] = folds * len(pools) * GATE_SECONDS * self.machine_speed
        seconds["train"] = folds * self.all_arms(plan, shape, n_train) * scale
        seconds["track"] += n_mixes * CHILD_RUN_SECONDS * self.machine_speed
        seconds["refit"] = self.refit(plan, shape) * self.machine_speed
        return {stage: round(value, 1) for stage, value in seconds.items()}

    def teacher(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """One teacher: its members on inner folds and on all rows."""
        inner = round(n_rows * (1 - 1 / INNER_FOLDS))
        return sum(
            INNER_FOLDS * self.model(name, inner, shape) + self.model(name, n_rows, shape)
            for name, _ in plan.teacher
        )

    def pool(self, plan: Plan, shape: TableShape, synthesizer: str, n_rows: int) -> float:
        """One fit and one pool, labelled by the teacher."""
        spec = self.synthesizers[synthesizer]
        n_pool = round(n_rows * plan.max_ratio * (1.5 if "balanced" in plan.balances else 1))
        steps = plan.synthesizers.get(synthesizer) or spec.default_steps or 0
        labelling = 1e-5 * n_pool * len(plan.teacher)
        return (
            spec.fit_cost(min(n_rows, 10_000), shape.n_columns, steps)
            + spec.sample_cost(n_pool, shape.n_columns)
            + labelling
        )

    def all_arms(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Every arm once, on one fold."""
        null = [name for name in plan.models if self.models[name].is_null]
        return sum(self.arm(arm, shape, n_rows) for mix in plan.mixes() for arm in plan.arms_of(mix, null))

    def arm(self, arm: Arm, shape: TableShape, n_rows: int) -> float:
        """One learner on one mix; soft targets hold a row per class."""
        per_row = shape.n_classes if arm.mix.label_rule == "teacher" else 1
        if arm.mix.synthesizer is None:
            return self.model(arm.model, n_rows * per_row, shape)
        return self.model(arm.model, round(n_rows * (1 + arm.mix.synthetic_ratio * per_row)), shape)

    def refit(self, plan: Plan, shape: TableShape) -> float:
        """The evaluated and the shipped fits, side by side: the dearest mix on all rows."""
        dearest = max(
            (
                self.pool(plan, shape, synthesizer, shape.n_all)
                for synthesizer in (*CONTROL_SYNTHESIZERS, *plan.synthesizers)
            ),
        )
        mix = Mix("any", plan.max_ratio, label_rule=plan.label_rules[-1])
        model = max(self.arm(Arm(mix, name), shape, shape.n_all) for name in plan.models)
        both = 1 if plan.n_workers > 1 else 2
        return both * (self.teacher(plan, shape, shape.n_all) + dearest + model)

    def model(self, name: str, n_rows: int, shape: TableShape) -> float:
        return self.models[name].fit_cost(n_rows, shape.n_columns, shape.n_classes)

    def timeout(self, plan: Plan, shape: TableShape, synthesizer: str) -> float:
        """Hard limit of one fit and its pool on all rows."""
        expected = self.pool(plan, shape, synthesizer, shape.n_all) * self.machine_speed
        return round(MIN_TIMEOUT_SECONDS + TIMEOUT_FACTOR * expected, 0)


def make_plan(
    shape: TableShape,
    costs: Costs,
    *,
    asked: Asked,
    available: Sequence[str],
    metric: str,
    holdout: HoldoutRule,
    budget_seconds: float,
    seed: int,
    n_workers: int,
) -> Plan:
    """Choose the richest study that fits the budget.

    Parameters
    ----------
    shape : TableShape
    costs : Costs
    asked : Asked
        What the user named is never left out.
    available : sequence of str
        Synthesizers that can run on this table, controls apart.
    metric : str
    holdout : HoldoutRule
    budget_seconds : float
        Wall seconds for the whole run.
    seed, n_workers : int

    Returns
    -------
    Plan
        With its estimate and, in words, what it left out. A budget below the smallest
        study gives the smallest study, and says so.
    """
    plan = _richest(shape, costs, asked, available, metric, holdout, seed, n_workers)
    target = budget_seconds * PLANNED_SHARE
    plan = _fit(plan, list(_reductions(shape, costs, asked)), lambda p: _total(costs, p, shape) <= target)
    estimate = costs.estimate(plan, shape)
    total = sum(estimate.values())
    if total > target:
        sentence = f"nothing more could be left out: expect {total:.0f} s instead of {budget_seconds:.0f} s"
        plan = replace(plan, left_out=(*plan.left_out, sentence))
    limits = {s: costs.timeout(plan, shape, s) for s in (*CONTROL_SYNTHESIZERS, *plan.synthesizers)}
    return replace(
        plan,
        budget_seconds=budget_seconds,
        estimate_seconds=estimate,
        timeout_seconds=limits,
        machine_speed=costs.machine_speed,
    )


def _richest(
    shape: TableShape,
    costs: Costs,
    asked: Asked,
    available: Sequence[str],
    metric: str,
    holdout: HoldoutRule,
    seed: int,
    n_workers: int,
) -> Plan:
    names = asked.synthesizers if asked.synthesizers is not None else tuple(available)
    learners = [m for m, spec in costs.models.items() if not spec.is_null and shape.task in spec.tasks]
    null = [m for m, spec in costs.models.items() if spec.is_null]
    rare = shape.task != "regression" and shape.rarest_share < RARE_CLASS_SHARE
    repeats = 4 if shape.n_development < SMALL_TABLE_ROWS else 3
    return Plan(
        seed=seed,
        task=shape.task,
        metric=metric,
        holdout=holdout,
        n_development=shape.n_development,
        n_folds=5,
        n_repeats=1 if shape.has_time else repeats,
        forward=shape.has_time,
        models=(*(asked.models or learners), *(m for m in null if m not in (asked.models or ()))),
        n_trials=4,
        synthesizers={name: costs.synthesizers[name].default_steps for name in names},
        ratios=asked.ratios or DEFAULT_RATIOS,
        weights=(0.3, 1.0),
        label_rules=("joint", "teacher"),
        balances=("prior", "balanced") if rare else ("prior",),
        teacher=tuple((name, 0) for name in learners),
        n_workers=n_workers,
        threads_per_fit=1,
    )


Reduction = Callable[[Plan], "Plan | None"]


def _fit(plan: Plan, reductions: list[Reduction], fits: Callable[[Plan], bool]) -> Plan:
    """Leave out as many reductions' worth as needed, in order; then take back what was not."""
    needed: list[Reduction] = []
    while not fits(_reduced(plan, needed)) and len(needed) < len(reductions):
        needed.append(reductions[len(needed)])
    for reduction in reversed(needed[:-1]):
        others = [r for r in needed if r is not reduction]
        if fits(_reduced(plan, others)):
            needed = others
    return _reduced(plan, needed)


def _reduced(plan: Plan, reductions: list[Reduction]) -> Plan:
    for reduction in reductions:
        plan = reduction(plan) or plan
    return plan


def _reductions(shape: TableShape, costs: Costs, asked: Asked) -> Iterator[Reduction]:
    """What is left out, in this order, until the estimate fits."""
    for rows in (20_000, 10_000, 5_000):
        yield lambda plan, rows=rows: _fewer_rows(plan, rows)  # type: ignore[misc]
    if asked.ratios is None:
        for _ in range(2):
            yield lambda plan: _cheaper_refit(plan, shape, costs)
    yield lambda plan: _fewer_trials(plan, 3)
    yield lambda plan: _without_weights(plan)
    yield lambda plan: _without(plan, asked, "copulagan")
    yield lambda plan: _fewer_repeats(plan, 2)
    yield lambda plan: _without_balance(plan)
    yield lambda plan: _fewer_trials(plan, 2)
    yield lambda plan: _fewer_rows(plan, 3_000)
    yield lambda plan: _without_model(plan, asked, "random-forest")
    yield lambda plan: _without(plan, asked, "ctgan")
    yield lambda plan: _fewer_repeats(plan, 1)
    yield lambda plan: _fewer_steps(plan)
    yield lambda plan: _fewer_rows(plan, 2_000)
    yield lambda plan: _fewer_folds(plan, 4)
    if asked.ratios is None:
        yield lambda plan: _fewer_ratios(plan, (0.5, 1.0, 5.0))
    yield lambda plan: _fewer_rows(plan, 1_200)
    yield lambda plan: _fewer_trials(plan, 1)
    yield lambda plan: _fewer_folds(plan, 3)
    if asked.ratios is None:
        yield lambda plan: _fewer_ratios(plan, (1.0, 5.0))
    for name in ("neighbour-swap", "tvae", "gaussian-copula"):
        yield lambda plan, name=name: _without(plan, asked, name)  # type: ignore[misc]
    yield lambda plan: _fewer_rows(plan, 800)
    yield lambda plan: _fewer_rows(plan, MIN_DEVELOPMENT_ROWS)
    yield lambda plan: _smaller_teacher(plan)


def _total(costs: Costs, plan: Plan, shape: TableShape) -> float:
    return sum(costs.estimate(plan, shape).values())


def _less(plan: Plan, sentence: str, **changes: Any) -> Plan:
    """Apply a change and say it; a further cut of the same kind replaces the milder sentence."""
    kind = re.sub(r"[\d,.]+", "", sentence)
    kept = [said for said in plan.left_out if re.sub(r"[\d,.]+", "", said) != kind]
    return replace(plan, left_out=(*kept, sentence), **changes)


def _fewer_rows(plan: Plan, n_rows: int) -> Plan | None:
    if plan.n_development <= n_rows:
        return None
    return _less(plan, f"all but {n_rows:,} development rows in the folds", n_development=n_rows)


def _cheaper_refit(plan: Plan, shape: TableShape, costs: Costs) -> Plan | None:
    """Drop the largest ratio where the final fits alone would eat the budget."""
    estimate = costs.estimate(plan, shape)
    small_share = estimate["refit"] <= 30 * costs.machine_speed
    if small_share or plan.max_ratio <= 1:
        return None
    return _fewer_ratios(plan, tuple(r for r in plan.ratios if r < plan.max_ratio))


def _fewer_trials(plan: Plan, n_trials: int) -> Plan | None:
    if plan.n_trials <= n_trials:
        return None
    return _less(plan, f"more than {n_trials} hyper-parameter trials per learner", n_trials=n_trials)


def _fewer_repeats(plan: Plan, n_repeats: int) -> Plan | None:
    if plan.n_repeats <= n_repeats:
        return None
    return _less(plan, f"more than {n_repeats} x the folds", n_repeats=n_repeats)


def _fewer_folds(plan: Plan, n_folds: int) -> Plan:
    return _less(plan, f"more than {n_folds} folds", n_folds=n_folds)


def _fewer_steps(plan: Plan) -> Plan | None:
    steps = {name: n and max(n // 2, 50) for name, n in plan.synthesizers.items()}
    if steps == plan.synthesizers:
        return None
    return _less(plan, "half of the training steps of GANs and VAEs", synthesizers=steps)


def _fewer_ratios(plan: Plan, ratios: tuple[float, ...]) -> Plan | None:
    gone = [r for r in plan.ratios if r not in ratios]
    kept = tuple(r for r in plan.ratios if r in ratios)
    if not gone or not kept:
        return None
    return _less(plan, f"synthetic ratio {', '.join(f'{r:g}' for r in gone)}", ratios=kept)


def _without_weights(plan: Plan) -> Plan:
    return _less(plan, "synthetic rows at less than full weight", weights=(1.0,))


def _without_balance(plan: Plan) -> Plan | None:
    if plan.balances == ("prior",):
        return None
    return _less(plan, "mixes that raise the rare class", balances=("prior",))


def _without(plan: Plan, asked: Asked, synthesizer: str) -> Plan | None:
    if asked.synthesizers is not None or synthesizer not in plan.synthesizers:
        return None
    kept = {name: steps for name, steps in plan.synthesizers.items() if name != synthesizer}
    return _less(plan, f"synthesizer {synthesizer}", synthesizers=kept) if kept else None


def _without_model(plan: Plan, asked: Asked, model: str) -> Plan | None:
    if asked.models is not None or model not in plan.models:
        return None
    sentence = f"{model} as a learner (it stays in the teacher)"
    return _less(plan, sentence, models=tuple(m for m in plan.models if m != model))


def _smaller_teacher(plan: Plan) -> Plan | None:
    if len(plan.teacher) < 3:
        return None
    return _less(plan, "the third member of the teacher", teacher=plan.teacher[:2])


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_hashable(v) for v in value)
    return value

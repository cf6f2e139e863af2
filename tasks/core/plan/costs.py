"""The cost table: how long a study takes on this machine.

Each plug-in carries its own formula, in seconds of one thread of the reference machine; what no
arm explains is listed here. One timing probe scales all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from realmix.tasks.core.contracts.specs import CONTROLS, ENSEMBLE, ModelSpec, SynthesizerSpec, TeacherSpec
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.corrections import PARTS
from realmix.tasks.core.plan.plan import MAX_FINALISTS, Plan, TableShape
from realmix.tasks.core.privacy.controls import MAX_MEMBERS, N_REPEATS
from realmix.tasks.core.privacy.trial import MAX_CANDIDATES, MAX_SYNTHETIC
from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, MAX_SLICES, MIX_SHARE, SLICE_SHARES

# Two workers rarely end together, and share memory bandwidth.
PARALLEL_EFFICIENCY = 0.85
# Seconds of the reference machine that no fit explains, by stage: before the plan, where they were not measured
# (Prefect's server, imports, the raw suite, the timing probe), and after it.
BEFORE_SECONDS = {"start": 5.0, "validate": 0.5, "plan": 1.0}
AFTER_SECONDS = {"compare": 1.5, "report": 1.0, "track": 3.0}
# Per cell of a table, by 1,000,000 rows of 20 mixed columns. Before the plan, where they were not measured: read,
# inferred, validated, hashed and split (23 s). After it: read and hashed again for the final fits, the training
# table written, and the holdout drawn a thousand times (15 s of it).
BEFORE_SECONDS_PER_CELL, AFTER_SECONDS_PER_CELL = 1.2e-6, 1.8e-6
# Attacks on synthetic rows, per column and row: real rows that are attacked and synthetic ones that are searched, of each
# pool in each fold, and members of each control. In five folds of 17 columns 1,000 rows took 0.7 s for a pool and 1.9 s
# for the controls, 5,000 rows 2.2 s for a pool.
ATTACK_SECONDS, SEARCH_SECONDS, CONTROL_SECONDS = 3e-5, 3e-6, 1.3e-5
# All rates in all groups, once for the study and once for each learner: 5,000 rows took 0.19 s.
GAPS_SECONDS = 0.2
# One row by one member of the teacher.
LABEL_SECONDS = 1e-5
GATE_SECONDS = 0.04  # one synthetic table through its suite
CHILD_RUN_SECONDS = 0.03  # one mix into MLflow
MIN_TIMEOUT_SECONDS = 60.0
TIMEOUT_FACTOR = 10.0
INNER_FOLDS = 3


@dataclass(frozen=True)
class Costs:
    """The cost table: formulae of the plug-ins, scaled to this machine.

    Attributes
    ----------
    synthesizers, models
    teachers : mapping of name to TeacherSpec
        That the user may ask for.
    machine_speed : float
        Seconds here per second of the reference machine.
    raced_metrics : frozenset of str
        Metrics whose studies are raced: fewer mixes run in their repeats.
    usable_bytes : float
        Memory that a study may take here.
    start_seconds : float or None
        Seconds since the command, where they were measured; all that comes before the plan.
    corrections : mapping of stage to float
        See :func:`realmix.tasks.core.plan.corrections.corrections_from`.
    """

    synthesizers: Mapping[str, SynthesizerSpec]
    models: Mapping[str, ModelSpec]
    machine_speed: float = 1.0
    raced_metrics: frozenset[str] = frozenset()
    usable_bytes: float = float("inf")
    start_seconds: float | None = None
    corrections: Mapping[str, float] = field(default_factory=dict)
    teachers: Mapping[str, TeacherSpec] = field(default_factory=dict)

    def estimate(self, plan: Plan, shape: TableShape) -> dict[str, float]:
        """Estimate the wall seconds of a plan, by stage.

        Returns
        -------
        dict
            Stage to seconds; their sum is the whole run, start-up included.
        """
        folds = plan.n_folds * plan.n_repeats
        n_train = round(plan.n_development * (1 - 1 / plan.n_folds))
        pools = (*CONTROLS, *plan.synthesizers)
        n_mixes = sum(1 for _ in plan.mixes())
        scale = self.machine_speed / (plan.n_workers * PARALLEL_EFFICIENCY)
        imports = max(self.synthesizers[s].import_seconds for s in pools)
        overhead, per_cell = BEFORE_SECONDS | AFTER_SECONDS, BEFORE_SECONDS_PER_CELL + AFTER_SECONDS_PER_CELL
        if self.start_seconds is not None:
            overhead, per_cell = AFTER_SECONDS, AFTER_SECONDS_PER_CELL
        seconds = {stage: cost * self.machine_speed for stage, cost in overhead.items()}
        seconds["rows"] = per_cell * shape.n_all * shape.n_columns * self.machine_speed
        seconds["teacher"] = folds * self.teacher(plan, shape, n_train) * scale
        # The fork server imports what the synthesizers need while the first fits run.
        seconds["synthesize"] = (self.all_pools(plan, shape, n_train) + imports) * scale
        seconds["gate"] = folds * len(pools) * GATE_SECONDS * self.machine_speed
        seconds["train"] = self.all_arms(plan, shape, n_train) * scale
        seconds["track"] += n_mixes * CHILD_RUN_SECONDS * self.machine_speed
        seconds["refit"] = self.refit(plan, shape) * self.machine_speed
        if shape.has_sensitive:
            repairs = 2 * plan.n_folds * self.dearest_arm(plan, shape, n_train) * scale
            seconds["fairness"] = repairs + (1 + len(plan.models)) * GAPS_SECONDS * self.machine_speed
        seconds["gap"] = 2 * plan.n_folds * self.dearest_arm(plan, shape, n_train) * scale
        seconds["rows saved"] = self.rows_saved(plan, shape, n_train) * scale
        # One thread attacks while the workers fit these.
        beside = seconds["gap"] + seconds["rows saved"] + seconds.get("fairness", 0.0)
        attacks = self.privacy(plan, shape, n_train) * self.machine_speed
        seconds["privacy"] = max(attacks - beside, attacks / plan.n_workers)
        factors = {part: self.corrections.get(stage, 1.0) for stage, parts in PARTS.items() for part in parts}
        corrected = {part: value * factors.get(part, 1.0) for part, value in seconds.items()}
        if self.start_seconds is not None:
            corrected["start"] = self.start_seconds
        return {part: round(value, 1) for part, value in corrected.items()}

    def teacher(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Estimate one teacher: all trials on inner folds, the best ones on all its rows, and labels of other rows."""
        n_learnt = plan.n_teacher(n_rows)
        inner = round(n_learnt * (1 - 1 / INNER_FOLDS))
        tried = sum(INNER_FOLDS * self.member(name, inner, shape) for name, _ in plan.teacher)
        fitted = sum(self.member(name, n_learnt, shape) for name in plan.teacher_models)
        return tried + fitted + (n_rows - n_learnt) * self.row(plan, shape, n_learnt)

    def pool(self, plan: Plan, shape: TableShape, synthesizer: str, n_rows: int) -> float:
        """Estimate one fit and one pool of synthetic rows, labelled by the teacher."""
        spec = self.synthesizers[synthesizer]
        n_pool = round(plan.n_synthetic(n_rows) * (1.5 if "balanced" in plan.balances else 1))
        steps = plan.synthesizers.get(synthesizer) or spec.default_steps or 0
        labelling = n_pool * self.row(plan, shape, plan.n_teacher(n_rows))
        return (
            spec.fit_cost(min(n_rows, 10_000), shape.n_columns, steps)
            + spec.sample_cost(n_pool, shape.n_columns)
            + labelling
        )

    def all_pools(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Estimate the pools of all folds."""
        controls = sum(self.pool(plan, shape, name, n_rows) for name in CONTROLS)
        candidates = [self.pool(plan, shape, name, n_rows) for name in plan.synthesizers]
        return plan.n_folds * plan.n_repeats * controls + self._raced(plan, candidates)

    def all_arms(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Estimate the arms of all folds."""
        mixes = {mix: self.arms_of(plan, mix, shape, n_rows) for mix in plan.mixes()}
        candidates = [cost for mix, cost in mixes.items() if mix.is_raced]
        others = sum(mixes.values()) - sum(candidates)
        return plan.n_folds * plan.n_repeats * others + self._raced(plan, candidates)

    def arms_of(self, plan: Plan, mix: Mix, shape: TableShape, n_rows: int) -> float:
        """Estimate all arms of one mix; every trial of a learner takes as long."""
        alone = [name for name in plan.models if self.models[name].is_null or name == ENSEMBLE]
        once = sum(self.model(name, n_rows, shape) for name in alone) if mix == Mix() else 0.0
        learners = (name for name in plan.learners_of(mix) if name not in alone)
        return once + plan.n_trials_of(mix) * sum(
            self.arm(Arm(mix, name), shape, n_rows) for name in learners
        )

    def _raced(self, plan: Plan, candidates: Sequence[float]) -> float:
        """Sum all candidates in the first repeat and, after a race, the dearest finalists in the others."""
        n_finalists = MAX_FINALISTS if plan.metric in self.raced_metrics else len(candidates)
        finalists = sum(sorted(candidates, reverse=True)[:n_finalists])
        return plan.n_folds * (sum(candidates) + (plan.n_repeats - 1) * finalists)

    def arm(self, arm: Arm, shape: TableShape, n_rows: int) -> float:
        """Estimate one learner on one mix; soft targets of several classes take a row per class."""
        per_soft_row = shape.n_classes if shape.n_classes > 2 else 1
        per_real = per_soft_row if arm.mix.softens_real_labels else 1
        per_synthetic = per_soft_row if arm.mix.label_rule == "teacher" else 1
        n_fitted = round(n_rows * (per_real + arm.mix.synthetic_ratio * per_synthetic))
        return self.model(arm.model, n_fitted, shape)

    def refit(self, plan: Plan, shape: TableShape) -> float:
        """Estimate the evaluated and the shipped fit, side by side: the dearest mix on all rows, with all its seeds."""
        pool = self.dearest_pool(plan, shape, shape.n_all)
        model = self.dearest_arm(plan, shape, shape.n_all, final=True)
        both = 1 if plan.n_workers > 1 else 2
        return both * (self.teacher(plan, shape, shape.n_all) + pool + model)

    def dearest_pool(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Estimate the synthesizer that takes longest."""
        names = (*CONTROLS, *plan.synthesizers)
        return max(self.pool(plan, shape, name, n_rows) for name in names)

    def dearest_arm(self, plan: Plan, shape: TableShape, n_rows: int, *, final: bool = False) -> float:
        """Estimate the learner that takes longest, on the largest mix; a final fit with all its seeds."""
        ratio = plan.n_synthetic(n_rows) / n_rows
        mix = Mix("any", ratio, label_rule=plan.label_rules[-1], real_labels=plan.real_labels[-1])
        seeds = {name: self.models[name].final_seeds if final else 1 for name in plan.models}
        return max(
            seeds[name] * self.arm(Arm(mix, name), shape, n_rows) for name in plan.models if name != ENSEMBLE
        )

    def privacy(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Estimate the attacks on the finalists' pools and on the controls; none where folds go forward in time."""
        if plan.forward or not plan.synthesizers:
            return 0.0
        n_pools = min(MAX_FINALISTS, len(plan.synthesizers))
        attacked = min(plan.n_development, MAX_CANDIDATES)
        searched = plan.n_folds * min(plan.n_synthetic(n_rows), MAX_SYNTHETIC)
        members = sum(N_REPEATS.values()) * min(plan.n_development // 4, MAX_MEMBERS)
        per_pool = ATTACK_SECONDS * attacked + SEARCH_SECONDS * searched
        return shape.n_columns * (n_pools * per_pool + CONTROL_SECONDS * members)

    def rows_saved(self, plan: Plan, shape: TableShape, n_rows: int) -> float:
        """Estimate real only on smaller shares of every fold or slice, and the dearest mix on half of each."""
        folds = plan.n_folds * min(plan.curve_repeats, plan.n_repeats)
        distilled = Mix(label_rule="teacher")
        half = round(CURVE_SHARES[MIX_SHARE] * n_rows)
        seconds = self.dearest_pool(plan, shape, half) + self.dearest_arm(plan, shape, half)
        for share in CURVE_SHARES[:-1]:
            n_subset = round(share * n_rows)
            seconds += self.teacher(plan, shape, n_subset)
            seconds += sum(self.model(name, n_subset, shape) for name in plan.models)
            seconds += max(self.arm(Arm(distilled, name), shape, n_subset) for name in plan.models)
        if shape.has_slices:
            n_fits = MAX_SLICES * len(SLICE_SHARES[:-1])
            seconds += n_fits * max(self.model(name, n_rows, shape) for name in plan.models)
        return folds * seconds

    def model(self, name: str, n_rows: int, shape: TableShape) -> float:
        """Estimate one fit of a learner, in seconds of the reference machine."""
        return self.models[name].fit_cost(n_rows, shape.n_columns, shape.n_classes)

    @property
    def fitted(self) -> dict[str, ModelSpec | TeacherSpec]:
        """All that a study fits to labels."""
        return {**self.models, **self.teachers}

    def member(self, name: str, n_rows: int, shape: TableShape) -> float:
        """Estimate one fit of a member of the teacher, as :meth:`model` does."""
        return self.fitted[name].fit_cost(n_rows, shape.n_columns, shape.n_classes)

    def row(self, plan: Plan, shape: TableShape, n_learnt: int) -> float:
        """Estimate one label of the teacher."""
        specs = (self.teachers.get(name) for name in plan.teacher_models)
        return sum(spec.row_cost(n_learnt, shape.n_columns) if spec else LABEL_SECONDS for spec in specs)

    def timeout(self, plan: Plan, shape: TableShape, synthesizer: str) -> float:
        """Return the hard limit, in seconds, of one fit and its pool on all rows."""
        expected = self.pool(plan, shape, synthesizer, shape.n_all) * self.machine_speed
        return round(MIN_TIMEOUT_SECONDS + TIMEOUT_FACTOR * expected, 0)

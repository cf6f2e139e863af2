"""The cost table: what a study takes on this machine.

Each plug-in carries its own formula, in seconds of one thread of the reference machine; what no
arm explains stands here. One timing probe scales all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.arms import CONTROL_SYNTHESIZERS, Arm, Mix
from tasks.core.plans import Plan, TableShape
from tasks.core.plugins import ModelSpec, SynthesizerSpec

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
MIN_TIMEOUT_SECONDS = 60.0
TIMEOUT_FACTOR = 10.0
INNER_FOLDS = 3


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

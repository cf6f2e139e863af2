"""Turn a time budget into a plan, before anything is fitted.

Starting from everything worth running, the planner leaves things out in a fixed order until the
estimate fits the budget, restores what did not have to go, and reports what it left out. After that
no clock decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from realmix.tasks.core.contracts.specs import CONTROLS, FIRST_TO_GO, ModelSpec, SynthesizerSpec
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.memory_estimate import check_study_fits, study_bytes
from realmix.tasks.core.plan.plan import MORE_TIME, Asked, Plan, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule

DEFAULT_RATIOS = (0.5, 1.0, 2.0, 5.0)
# Share of the budget that is planned for; the rest absorbs what an estimate cannot know.
PLANNED_SHARE = 0.9
# Budgets that are suggested where a shorter one leaves synthesizers out.
BUDGETS = (120, 180, 240, 300, 600, 900, 1800, 3600)
SMALL_TABLE_ROWS = 300
RARE_CLASS_SHARE = 0.2
MIN_DEVELOPMENT_ROWS = 500
# A larger table is studied on a sample.
MOST_ROWS_IN_FOLDS = 20_000
# As many as the largest mix of such a sample holds: fewer were never compared.
FEWEST_SYNTHETIC_ROWS = 100_000
# With two settings XGBoost was more than 1 % worse than with the best of eight in 18 % of 61 studies
# of 200 to 1,000 rows.
REAL_TRIALS = 8
# A synthesizer of which one fit takes this share of the budget is dropped before anything else is cut.
DEAR_SHARE = 0.1
# Places of `drop_order`: these two come before folds and ratios are cut, later ones after.
SECOND_TO_GO = FIRST_TO_GO + 1


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
        study gives the smallest study, and a sentence about it.

    Raises
    ------
    BadInput
        If even the smallest study does not fit into memory.
    """
    richest = _richest(shape, costs, asked, available, metric, holdout, seed, n_workers)
    target = budget_seconds * PLANNED_SHARE
    plan = _within(richest, shape, costs, asked, target)
    if sentence := _more_time(richest, plan, shape, costs, asked, budget_seconds):
        plan = replace(plan, left_out=(sentence, *plan.left_out))
    needed = check_study_fits(plan, shape, costs.models, costs.usable_bytes)
    estimate = costs.estimate(plan, shape)
    total = sum(estimate.values())
    if total > target:
        sentence = f"nothing more could be left out: expect {total:.0f} s instead of {budget_seconds:.0f} s"
        plan = replace(plan, left_out=(*plan.left_out, sentence))
    limits = {s: costs.timeout(plan, shape, s) for s in (*CONTROLS, *plan.synthesizers)}
    return replace(
        plan,
        budget_seconds=budget_seconds,
        estimate_seconds=estimate,
        timeout_seconds=limits,
        machine_speed=costs.machine_speed,
        corrections=dict(costs.corrections),
        memory_bytes=needed,
    )


def _within(plan: Plan, shape: TableShape, costs: Costs, asked: Asked, seconds: float) -> Plan:
    """Leave out what does not fit in so many seconds, or into memory."""
    return _fit(
        plan,
        _reductions(shape, costs, asked, seconds),
        lambda tried: (
            sum(costs.estimate(tried, shape).values()) <= seconds
            and study_bytes(tried, shape, costs.models) <= costs.usable_bytes
        ),
    )


def _more_time(
    richest: Plan, plan: Plan, shape: TableShape, costs: Costs, asked: Asked, budget_seconds: float
) -> str | None:
    """Say which synthesizers the budget allows, and which next longer one would try more of them."""
    if len(plan.synthesizers) == len(richest.synthesizers):
        return None
    for longer in (seconds for seconds in BUDGETS if seconds > budget_seconds):
        more = _within(richest, shape, costs, asked, longer * PLANNED_SHARE)
        if len(more.synthesizers) > len(plan.synthesizers):
            return (
                f"at {_duration(budget_seconds)} only {_listed(list(plan.synthesizers))}{MORE_TIME}"
                f"{_duration(longer)} would try {len(more.synthesizers)} synthesizers"
            )
    return None


def _listed(names: Sequence[str]) -> str:
    """Join names as people do.

    Examples
    --------
    >>> _listed(["smote"]), _listed(["rules", "smote", "tvae"])
    ('smote', 'rules, smote and tvae')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _duration(seconds: float) -> str:
    """Write a budget as people say it.

    Examples
    --------
    >>> _duration(90), _duration(240), _duration(3600)
    ('90 s', '4 min', '60 min')
    """
    return f"{seconds / 60:g} min" if seconds >= 120 and seconds % 60 == 0 else f"{seconds:g} s"


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
    names = tuple(sorted(names, key=lambda name: name != asked.first))
    learners = [m for m, spec in costs.models.items() if not spec.is_null and shape.task in spec.tasks]
    null = [m for m, spec in costs.models.items() if spec.is_null]
    members = [m for m in learners if costs.models[m].is_teacher]
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
        n_real_trials=REAL_TRIALS,
        synthesizers={name: costs.synthesizers[name].default_steps for name in names},
        ratios=asked.ratios or DEFAULT_RATIOS,
        weights=(0.3, 1.0),
        label_rules=("joint", "teacher"),
        balances=("prior", "balanced") if rare else ("prior",),
        teacher=tuple((name, 0) for name in members),
        n_workers=n_workers,
        threads_per_fit=1,
        curve_repeats=1 if shape.has_time else 2,
    )


Reduction = Callable[[Plan], "Plan | None"]


def _fit(plan: Plan, reductions: list[Reduction], fits: Callable[[Plan], bool]) -> Plan:
    """Apply reductions in order until the plan fits; then undo those that were not needed."""
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


def _reductions(shape: TableShape, costs: Costs, asked: Asked, seconds: float) -> list[Reduction]:
    """List what is left out, in this order, until the estimate fits in so many seconds."""

    def synthesizers(first: float, last: float, min_seconds: float | None = None) -> list[Reduction]:
        return [
            partial(_without, asked=asked, synthesizer=name)
            for name in _in_drop_order(costs.synthesizers, shape, first, last)
            if min_seconds is None
            or _fit_seconds(costs.synthesizers[name], shape) * costs.machine_speed > min_seconds
        ]

    learners = [m for m, spec in costs.models.items() if not spec.is_null and shape.task in spec.tasks]
    # In folds of so few rows as are left when learners go.
    small = replace(shape, n_development=min(shape.n_development, MIN_DEVELOPMENT_ROWS))
    cheapest = min(learners, key=lambda name: _fit_seconds(costs.models[name], small))

    def models(first: float, last: float) -> list[Reduction]:
        # What the cheapest learner takes buys nothing, and it often wins.
        names = [m for m in _in_drop_order(costs.models, shape, first, last) if m != cheapest]
        return [partial(_without_model, asked=asked, model=name) for name in names]

    return [
        # Else everything else would be cut for it first.
        *synthesizers(FIRST_TO_GO, FIRST_TO_GO, min_seconds=DEAR_SHARE * seconds),
        partial(_fewer_rows, n_rows=MOST_ROWS_IN_FOLDS),
        partial(_fewer_rows, n_rows=10_000),
        partial(_fewer_rows, n_rows=5_000),
        partial(_fewer_teacher_rows, shape=shape, n_rows=100_000),
        partial(_fewer_teacher_rows, shape=shape, n_rows=MOST_ROWS_IN_FOLDS),
        partial(_fewer_synthetic_rows, shape=shape, n_rows=500_000),
        partial(_fewer_synthetic_rows, shape=shape, n_rows=FEWEST_SYNTHETIC_ROWS),
        partial(_cheaper_refit, asked=asked, shape=shape, costs=costs),
        partial(_cheaper_refit, asked=asked, shape=shape, costs=costs),
        partial(_fewer_curve_repeats, n_repeats=1),
        partial(_fewer_trials, n_trials=3),
        _without_weights,
        *synthesizers(FIRST_TO_GO, FIRST_TO_GO),
        partial(_fewer_repeats, n_repeats=2),
        _without_balance,
        partial(_fewer_trials, n_trials=2),
        partial(_fewer_rows, n_rows=3_000),
        *models(FIRST_TO_GO, FIRST_TO_GO),
        *synthesizers(SECOND_TO_GO, SECOND_TO_GO),
        partial(_fewer_repeats, n_repeats=1),
        _fewer_steps,
        partial(_fewer_rows, n_rows=2_000),
        partial(_fewer_folds, n_folds=4),
        partial(_fewer_ratios, asked=asked, ratios=(0.5, 1.0, 5.0)),
        partial(_fewer_rows, n_rows=1_200),
        partial(_fewer_trials, n_trials=1),
        partial(_fewer_real_trials, n_trials=4),
        partial(_fewer_folds, n_folds=3),
        partial(_fewer_ratios, asked=asked, ratios=(1.0, 5.0)),
        *synthesizers(SECOND_TO_GO + 1, math.inf),
        partial(_fewer_curve_repeats, n_repeats=0),
        partial(_fewer_rows, n_rows=800),
        partial(_fewer_rows, n_rows=MIN_DEVELOPMENT_ROWS),
        partial(_fewer_real_trials, n_trials=2),
        _smaller_teacher,
        *models(SECOND_TO_GO, math.inf),
        partial(_without_large_model, asked=asked, model=cheapest, shape=shape, costs=costs),
    ]


def _in_drop_order(
    specs: Mapping[str, SynthesizerSpec] | Mapping[str, ModelSpec],
    shape: TableShape,
    first: float,
    last: float,
) -> list[str]:
    """List the plug-ins whose turn lies between two places, the dearest of equals first."""
    turns = [
        (spec.drop_order, -_fit_seconds(spec, shape), name) for name, spec in specs.items() if spec.drop_order
    ]
    return [name for turn, _, name in sorted(turns) if first <= turn <= last]


def _fit_seconds(spec: SynthesizerSpec | ModelSpec, shape: TableShape) -> float:
    third = spec.default_steps or 0 if isinstance(spec, SynthesizerSpec) else shape.n_classes
    return spec.fit_cost(shape.n_development, shape.n_columns, third)


def _less(plan: Plan, sentence: str, **changes: Any) -> Plan:
    """Apply a change and record its sentence, in place of that of a milder cut of the same kind."""
    kind = re.sub(r"[\d,.]+", "", sentence)
    others = [other for other in plan.left_out if re.sub(r"[\d,.]+", "", other) != kind]
    return replace(plan, left_out=(*others, sentence), **changes)


def _fewer_rows(plan: Plan, n_rows: int) -> Plan | None:
    if plan.n_development <= n_rows:
        return None
    return _less(plan, f"all but {n_rows:,} development rows in the folds", n_development=n_rows)


def _fewer_teacher_rows(plan: Plan, shape: TableShape, n_rows: int) -> Plan | None:
    if plan.n_teacher(shape.n_all) <= n_rows:
        return None
    sentence = f"all but {n_rows:,} real rows for the teacher of the final fits"
    return _less(plan, sentence, max_teacher_rows=n_rows)


def _fewer_synthetic_rows(plan: Plan, shape: TableShape, n_rows: int) -> Plan | None:
    if plan.n_synthetic(shape.n_all) <= n_rows:
        return None
    sentence = f"more than {n_rows:,} synthetic rows in the final fits (these weigh as much)"
    return _less(plan, sentence, max_synthetic_rows=n_rows)


def _cheaper_refit(plan: Plan, asked: Asked, shape: TableShape, costs: Costs) -> Plan | None:
    """Drop the largest ratio where the final fits alone would take more than 30 reference seconds."""
    if plan.max_ratio <= 1 or costs.refit(plan, shape) <= 30:
        return None
    return _fewer_ratios(plan, asked, tuple(r for r in plan.ratios if r < plan.max_ratio))


def _fewer_trials(plan: Plan, n_trials: int) -> Plan | None:
    if plan.n_trials <= n_trials:
        return None
    return _less(plan, f"more than {n_trials} hyper-parameter trials per learner", n_trials=n_trials)


def _fewer_real_trials(plan: Plan, n_trials: int) -> Plan | None:
    if plan.n_real_trials <= n_trials:
        return None
    return _less(plan, f"more than {n_trials} trials of each learner on real rows", n_real_trials=n_trials)


def _fewer_repeats(plan: Plan, n_repeats: int) -> Plan | None:
    if plan.n_repeats <= n_repeats:
        return None
    return _less(plan, f"more than {n_repeats} x the folds", n_repeats=n_repeats)


def _fewer_curve_repeats(plan: Plan, n_repeats: int) -> Plan | None:
    if plan.curve_repeats <= n_repeats:
        return None
    curve = "the rows-saved curve"
    sentence = f"{curve} on more than {n_repeats} x the folds" if n_repeats else curve
    others = tuple(other for other in plan.left_out if not other.startswith(curve))
    return _less(replace(plan, left_out=others), sentence, curve_repeats=n_repeats)


def _fewer_folds(plan: Plan, n_folds: int) -> Plan:
    return _less(plan, f"more than {n_folds} folds", n_folds=n_folds)


def _fewer_steps(plan: Plan) -> Plan | None:
    steps = {name: n and max(n // 2, 50) for name, n in plan.synthesizers.items()}
    if steps == plan.synthesizers:
        return None
    return _less(plan, "half of the training steps of GANs and VAEs", synthesizers=steps)


def _fewer_ratios(plan: Plan, asked: Asked, ratios: tuple[float, ...]) -> Plan | None:
    dropped = [r for r in plan.ratios if r not in ratios]
    remaining = tuple(r for r in plan.ratios if r in ratios)
    if asked.ratios is not None or not dropped or not remaining:
        return None
    return _less(plan, f"synthetic ratio {', '.join(f'{r:g}' for r in dropped)}", ratios=remaining)


def _without_weights(plan: Plan) -> Plan:
    return _less(plan, "synthetic rows at less than full weight", weights=(1.0,))


def _without_balance(plan: Plan) -> Plan | None:
    if plan.balances == ("prior",):
        return None
    return _less(plan, "mixes that raise the rare class", balances=("prior",))


def _without(plan: Plan, asked: Asked, synthesizer: str) -> Plan | None:
    if asked.synthesizers is not None or synthesizer == asked.first or synthesizer not in plan.synthesizers:
        return None
    others = {name: steps for name, steps in plan.synthesizers.items() if name != synthesizer}
    return _less(plan, f"synthesizer {synthesizer}", synthesizers=others) if others else None


def _without_model(plan: Plan, asked: Asked, model: str) -> Plan | None:
    if asked.models is not None or model not in plan.models:
        return None
    stays = model in (name for name, _ in plan.teacher)
    sentence = f"{model} as a learner" + (" (it stays in the teacher)" if stays else "")
    return _less(plan, sentence, models=tuple(m for m in plan.models if m != model))


def _without_large_model(
    plan: Plan, asked: Asked, model: str, shape: TableShape, costs: Costs
) -> Plan | None:
    """Drop the cheapest learner only where it would not fit into memory."""
    if study_bytes(plan, shape, costs.models) <= costs.usable_bytes or plan.models == (model,):
        return None
    return _without_model(plan, asked, model)


def _smaller_teacher(plan: Plan) -> Plan | None:
    if len(plan.teacher) < 3:
        return None
    return _less(plan, "the third member of the teacher", teacher=plan.teacher[:2])

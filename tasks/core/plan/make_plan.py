"""Turn a time budget into a plan, before anything is fitted.

Starting from everything worth running, the planner leaves things out in a fixed order until the
estimate fits the budget, restores what did not have to go, and reports what it left out. After that
no clock decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from realmix.tasks.core.contracts.specs import CONTROLS, REFERENCE_MODEL
from realmix.tasks.core.mixes.in_words import synthesizer_in_words
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.deploy import competing
from realmix.tasks.core.plan.memory_estimate import check_study_fits, study_bytes
from realmix.tasks.core.plan.plan import DEFAULT_RATIOS, Asked, Plan, TableShape
from realmix.tasks.core.plan.reductions import Reduction, reductions
from realmix.tasks.core.plan.teachers import check_teachers
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.words import listed

# Share of the budget that is planned for; the rest absorbs what an estimate cannot know.
PLANNED_SHARE = 0.9
# Budgets that are suggested where a shorter one leaves synthesizers out.
BUDGETS = (120, 180, 240, 300, 600, 900, 1800, 3600)
SMALL_TABLE_ROWS = 300
RARE_CLASS_SHARE = 0.2
# With two settings XGBoost was more than 1 % worse than with the best of eight in 18 % of 61 studies
# of 200 to 1,000 rows.
REAL_TRIALS = 8
# Of each member of the teacher. With 200 / 500 / 1,000 rows of six tables an ensemble of half XGBoost and half the
# teacher lost 1.5 / 0.8 / 0.6 % less than tuned XGBoost with one trial, at worst 4.5 % more; with four trials
# 1.9 / 0.9 / 0.7 % less, at worst 1.0 % more (twelve draws of each size).
TEACHER_TRIALS = 4


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
        If even the smallest study does not fit into memory, or a teacher that the user named takes no such table.
    """
    richest = _richest(shape, costs, asked, available, metric, holdout, seed, n_workers)
    target = budget_seconds * PLANNED_SHARE
    plan = _within(richest, shape, costs, asked, target)
    if sentence := _more_time(richest, plan, shape, costs, asked, budget_seconds):
        plan = replace(plan, left_out=(sentence, *plan.left_out))
    needed = check_study_fits(plan, shape, costs.fitted, costs.usable_bytes)
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


def more_time(
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
) -> str | None:
    """Say which synthesizers a budget allows, and which longer one would try more; None where none would.

    Parameters
    ----------
    shape, costs, asked, available, metric, holdout, budget_seconds, seed, n_workers
        As of :func:`make_plan`, whose plan has the sentence among what it left out.
    """
    richest = _richest(shape, costs, asked, available, metric, holdout, seed, n_workers)
    plan = _within(richest, shape, costs, asked, budget_seconds * PLANNED_SHARE)
    return _more_time(richest, plan, shape, costs, asked, budget_seconds)


def _within(plan: Plan, shape: TableShape, costs: Costs, asked: Asked, seconds: float) -> Plan:
    """Leave out what does not fit in so many seconds, or into memory."""
    return _fit(
        plan,
        reductions(shape, costs, asked, seconds),
        lambda tried: (
            sum(costs.estimate(tried, shape).values()) <= seconds
            and study_bytes(tried, shape, costs.fitted) <= costs.usable_bytes
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
                f"at {duration(budget_seconds)} only {listed([synthesizer_in_words(name) for name in plan.synthesizers])} can be tried; "
                f"{duration(longer)} would try {len(more.synthesizers)} synthesizers"
            )
    return None


def duration(seconds: float) -> str:
    """Write a budget as people say it.

    Examples
    --------
    >>> duration(90), duration(240), duration(3600)
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
    learners, refused = competing(costs.models, shape, asked)
    null = [m for m, spec in costs.models.items() if spec.is_null]
    # The teacher never ships: no limit holds for it. The default learner first: the last ones are left out where
    # time is short.
    members = [m for m, spec in costs.models.items() if spec.is_teacher and shape.task in spec.tasks]
    members.sort(key=lambda name: name != REFERENCE_MODEL)
    check_teachers(costs.teachers, shape, asked)
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
        left_out=tuple(f"{name} as a learner: {reason}" for name, reason in refused.items()),
        n_trials=4,
        n_real_trials=REAL_TRIALS,
        synthesizers={name: costs.synthesizers[name].default_steps for name in names},
        ratios=asked.ratios or DEFAULT_RATIOS,
        weights=(0.3, 1.0),
        label_rules=("joint", "teacher"),
        real_labels=("own", "half"),
        balances=("prior", "balanced") if rare else ("prior",),
        teacher=(
            *((name, trial) for trial in range(TEACHER_TRIALS) for name in members),
            *((name, 0) for name in asked.teachers),
        ),
        n_workers=n_workers,
        threads_per_fit=1,
        curve_repeats=1 if shape.has_time else 2,
    )


def _fit(plan: Plan, cuts: list[Reduction], fits: Callable[[Plan], bool]) -> Plan:
    """Apply reductions in order until the plan fits; then undo those that were not needed."""
    needed: list[Reduction] = []
    while not fits(_reduced(plan, needed)) and len(needed) < len(cuts):
        needed.append(cuts[len(needed)])
    for reduction in reversed(needed[:-1]):
        others = [r for r in needed if r is not reduction]
        if fits(_reduced(plan, others)):
            needed = others
    return _reduced(plan, needed)


def _reduced(plan: Plan, cuts: list[Reduction]) -> Plan:
    for reduction in cuts:
        plan = reduction(plan) or plan
    return plan

"""What a plan leaves out of a study, in which order, and the sentence that says so."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from realmix.tasks.core.contracts.specs import ENSEMBLE, FIRST_TO_GO, ModelSpec, SynthesizerSpec
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.deploy import competing
from realmix.tasks.core.plan.memory_estimate import study_bytes
from realmix.tasks.core.plan.plan import Asked, Plan, TableShape

MIN_DEVELOPMENT_ROWS = 500
# A larger table is studied on a sample.
MOST_ROWS_IN_FOLDS = 20_000
# As many as the largest mix of such a sample holds: fewer were never compared.
FEWEST_SYNTHETIC_ROWS = 100_000
# A synthesizer of which one fit takes this share of the budget is dropped before anything else is cut.
DEAR_SHARE = 0.1
# Of the reference machine, for the final fits.
DEAR_REFIT_SECONDS = 30.0
# Places of `drop_order`: these two come before folds and ratios are cut, later ones after.
SECOND_TO_GO = FIRST_TO_GO + 1

Reduction = Callable[[Plan], "Plan | None"]


def reductions(shape: TableShape, costs: Costs, asked: Asked, seconds: float) -> list[Reduction]:
    """List what is left out, in this order, until the estimate fits in so many seconds.

    Parameters
    ----------
    shape : TableShape
    costs : Costs
    asked : Asked
        What the user named is never left out.
    seconds : float

    Returns
    -------
    list of function
        Each returns a plan with less, and None where there is nothing of the kind to leave out.
    """

    def synthesizers(first: float, last: float, min_seconds: float | None = None) -> list[Reduction]:
        return [
            partial(_without, asked=asked, synthesizer=name)
            for name in _in_drop_order(costs.synthesizers, shape, first, last)
            if min_seconds is None
            or _fit_seconds(costs.synthesizers[name], shape) * costs.machine_speed > min_seconds
        ]

    learners = [m for m in competing(costs.models, shape, asked)[0] if costs.models[m].drop_order]
    # In folds of so few rows as are left when learners go.
    small = replace(shape, n_development=min(shape.n_development, MIN_DEVELOPMENT_ROWS))
    cheapest = min(learners, key=lambda name: _fit_seconds(costs.models[name], small), default="")

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
        partial(_untuned_teacher, shape=shape, costs=costs),
        partial(_cheaper_refit, asked=asked, shape=shape, costs=costs),
        partial(_cheaper_refit, asked=asked, shape=shape, costs=costs),
        partial(_fewer_curve_repeats, n_repeats=1),
        partial(_fewer_teacher_trials, n_trials=2),
        partial(_fewer_trials, n_trials=3),
        _without_weights,
        *synthesizers(FIRST_TO_GO, FIRST_TO_GO),
        partial(_fewer_repeats, n_repeats=2),
        _without_balance,
        partial(_fewer_teacher_trials, n_trials=1),
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
        _without_half_labels,
        partial(_fewer_curve_repeats, n_repeats=0),
        partial(_fewer_rows, n_rows=800),
        partial(_fewer_rows, n_rows=MIN_DEVELOPMENT_ROWS),
        partial(_fewer_real_trials, n_trials=2),
        partial(_smaller_teacher, asked=asked),
        *models(SECOND_TO_GO, math.inf),
        partial(_without_large_model, asked=asked, model=ENSEMBLE, shape=shape, costs=costs),
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


def _untuned_teacher(plan: Plan, shape: TableShape, costs: Costs) -> Plan | None:
    """Give the teacher one trial of each member where the final fits alone are dear: its rows are many then."""
    if costs.refit(plan, shape) <= DEAR_REFIT_SECONDS:
        return None
    return _fewer_teacher_trials(plan, n_trials=1)


def _cheaper_refit(plan: Plan, asked: Asked, shape: TableShape, costs: Costs) -> Plan | None:
    """Drop the largest ratio where the final fits alone are dear."""
    if plan.max_ratio <= 1 or costs.refit(plan, shape) <= DEAR_REFIT_SECONDS:
        return None
    return _fewer_ratios(plan, asked, tuple(r for r in plan.ratios if r < plan.max_ratio))


def _fewer_trials(plan: Plan, n_trials: int) -> Plan | None:
    if plan.n_trials <= n_trials:
        return None
    return _less(plan, f"more than {n_trials} hyper-parameter trials per learner", n_trials=n_trials)


def _fewer_teacher_trials(plan: Plan, n_trials: int) -> Plan | None:
    teacher = tuple((name, trial) for name, trial in plan.teacher if trial < n_trials)
    if teacher == plan.teacher or not teacher:
        return None
    return _less(plan, f"all but {n_trials} of the trials of each member of the teacher", teacher=teacher)


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


def _without_half_labels(plan: Plan) -> Plan | None:
    if plan.real_labels == ("own",):
        return None
    return _less(plan, "mixes whose real rows have labels half the teacher's", real_labels=("own",))


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
    """Drop the cheapest learner, or the ensemble, only where it would not fit into memory."""
    if study_bytes(plan, shape, costs.fitted) <= costs.usable_bytes or plan.models == (model,):
        return None
    return _without_model(plan, asked, model)


def _smaller_teacher(plan: Plan, asked: Asked) -> Plan | None:
    kept = {*plan.teacher_models[:2], *asked.teachers}
    teacher = tuple(member for member in plan.teacher if member[0] in kept)
    if teacher == plan.teacher:
        return None
    return _less(plan, "the third member of the teacher", teacher=teacher)

"""Extend an earlier plan by new synthesizers and keep everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import PLANNED_SHARE
from realmix.tasks.core.plan.plan import Plan, TableShape


def extend_plan(
    former: Plan, names: Sequence[str], shape: TableShape, costs: Costs, *, budget_seconds: float
) -> Plan | None:
    """Add synthesizers to a plan and leave its folds, mixes and learners as they are.

    The results of the earlier study are used again, because they do not depend on the new
    synthesizers; the budget pays for the new ones alone.

    Parameters
    ----------
    former : Plan
        Of the same table and the same request, apart from the synthesizers.
    names : sequence of str
        All synthesizers that are requested now.
    shape : TableShape
    costs : Costs
    budget_seconds : float
        Wall seconds for the whole run.

    Returns
    -------
    Plan or None
        None where nothing is new, an earlier synthesizer is no longer requested (a smaller study can
        afford more folds), or the new part alone exceeds the budget.
    """
    new = [name for name in names if name not in former.synthesizers]
    if not new or not former.synthesizers.keys() <= set(names):
        return None
    steps = {name: former.synthesizers.get(name, costs.synthesizers[name].default_steps) for name in names}
    resolved = [f"synthesizer {name}" for name in new]
    left_out = tuple(sentence for sentence in former.left_out if sentence not in resolved)
    extended = replace(former, synthesizers=steps, left_out=left_out)
    estimate = costs.estimate(extended, shape)
    added = sum(estimate.values()) - sum(costs.estimate(former, shape).values())
    if added > PLANNED_SHARE * budget_seconds:
        return None
    limits = {name: costs.timeout(extended, shape, name) for name in new}
    return replace(
        extended,
        timeout_seconds={**former.timeout_seconds, **limits},
        estimate_seconds=estimate,
        machine_speed=costs.machine_speed,
    )

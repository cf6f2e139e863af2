"""One more synthesizer: the plan of an earlier study, and nothing changed but what is new."""

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

    What the earlier study computed serves again, for it depends on nothing else; the budget pays
    for what is new.

    Parameters
    ----------
    former : Plan
        Of the same table and the same request, but for its synthesizers.
    names : sequence of str
        All synthesizers that are asked for now.
    shape : TableShape
    costs : Costs
    budget_seconds : float
        Wall seconds for the whole run.

    Returns
    -------
    Plan or None
        None where nothing is new, something is asked for no longer (a smaller study can afford
        more folds), or the new part alone exceeds the budget.
    """
    new = [name for name in names if name not in former.synthesizers]
    if not new or not former.synthesizers.keys() <= set(names):
        return None
    steps = {name: former.synthesizers.get(name, costs.synthesizers[name].default_steps) for name in names}
    left_out = tuple(said for said in former.left_out if said not in [f"synthesizer {name}" for name in new])
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

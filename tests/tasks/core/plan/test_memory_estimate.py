import dataclasses

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.memory_estimate import GIB, study_bytes
from realmix.tasks.core.plan.plan import Asked, Plan, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

SMALL = TableShape(2_000, 1_600, 18, 2, "binary", 0.28, n_levels=130)
MILLION = TableShape(1_000_000, 800_000, 18, 2, "binary", 0.28, n_levels=130)


def plan_for(shape: TableShape, gib: float, budget: float = 1e6, workers: int = 2, **asked) -> Plan:
    return make_plan(
        shape,
        Costs(SYNTHESIZERS, MODELS, usable_bytes=gib * GIB),
        asked=Asked(**asked),
        available=["smote", "gaussian-copula"],
        metric="log_loss",
        holdout=HoldoutRule(3, 0.2, ("age",)),
        budget_seconds=budget,
        seed=0,
        n_workers=workers,
    )


def test_memory_bounds_nothing_in_a_small_study():
    assert plan_for(SMALL, 6) == plan_for(SMALL, float("inf"))


@pytest.mark.parametrize("gib", [5.5, 6, 16])
def test_a_million_rows_are_planned_within_the_memory(gib):
    plan = plan_for(MILLION, gib)
    assert plan.memory_bytes == study_bytes(plan, MILLION, MODELS) <= gib * GIB


def test_a_machine_of_many_cores_refuses_nothing_that_one_of_two_takes():
    many, two = (plan_for(SMALL, 6, workers=n) for n in (64, 2))
    assert many.memory_bytes == two.memory_bytes < 6 * GIB


def test_less_memory_never_buys_more_synthetic_rows():
    bounds = [plan_for(MILLION, gib).n_synthetic(MILLION.n_all) for gib in (5.5, 6, 16, 1000)]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1] == round(5 * MILLION.n_all)


def test_what_memory_leaves_out_is_said():
    plan = plan_for(MILLION, 6)
    assert plan.max_synthetic_rows is not None
    assert any(f"{plan.max_synthetic_rows:,} synthetic rows" in said for said in plan.left_out)
    assert "linear" not in plan.models
    assert any(said.startswith("linear as a learner") for said in plan.left_out)


def test_a_study_that_cannot_fit_is_refused_with_one_sentence_of_advice():
    with pytest.raises(BadInput, match=r"1,000,000 rows and 18 features with linear.* takes about .* GiB"):
        plan_for(MILLION, 4, models=("linear",))


def test_a_bounded_plan_is_read_back_as_it_was():
    plan = plan_for(MILLION, 6)
    assert Plan.from_dict(plan.to_dict()) == plan


def test_the_refit_of_a_million_rows_is_in_the_estimate_and_bounds_make_it_cheaper():
    costs, plan = Costs(SYNTHESIZERS, MODELS), plan_for(SMALL, 6)
    bounded = dataclasses.replace(plan, max_teacher_rows=20_000, max_synthetic_rows=100_000)
    whole, less = (costs.estimate(p, MILLION)["refit"] for p in (plan, bounded))
    assert less < whole / 5
    assert costs.estimate(bounded, SMALL) == costs.estimate(plan, SMALL)

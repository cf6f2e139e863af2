from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.memory_estimate import study_bytes
from realmix.tasks.core.plan.plan import Asked, Plan, TableShape
from realmix.tasks.core.plan.teachers import check_teachers
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.tasks.teachers.nearest import SPEC as NEAREST

BANK = TableShape(2000, 1600, 16, 2, "binary", 0.117)
ASKED = Asked(teachers=("nearest",))


def costs(**changes) -> Costs:
    return Costs(SYNTHESIZERS, MODELS, teachers={"nearest": dataclasses.replace(NEAREST, **changes)})


def plan_for(budget: float, asked: Asked = ASKED, **changes) -> Plan:
    return make_plan(
        BANK, costs(**changes), asked=asked, available=["sequential-trees", "smote"], metric="log_loss",
        holdout=HoldoutRule(3, 0.2, ("age",)), budget_seconds=budget, seed=0, n_workers=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_rows": 1_999}, "2,000 rows, and it takes at most 1,999"),
        ({"max_columns": 15}, "16 features, and it takes at most 15"),
        ({"max_classes": 1}, "2 classes, and it takes at most 1"),
        ({"tasks": ("regression",)}, "does not support binary"),
    ],
)
def test_a_table_that_it_was_not_made_for_is_refused_with_the_reason(limits, reason):
    with pytest.raises(BadInput, match=f"'nearest' cannot be used: .*{reason}.* Leave it out of --teachers"):
        check_teachers(costs(**limits).teachers, BANK, ASKED)
    check_teachers(costs(**limits).teachers, BANK, Asked())


@pytest.mark.parametrize("budget", [30, 240, 3600])
def test_one_that_the_user_named_is_a_member_whatever_the_budget_and_never_a_learner(budget):
    plan = plan_for(budget)
    assert ("nearest", 0) in plan.teacher and "nearest" not in plan.models
    assert [member for member in plan.teacher if member[0] == "xgboost"]
    assert "nearest" not in dict(plan_for(budget, Asked()).teacher)


def test_what_its_labels_take_is_in_the_estimate_and_leaves_time_for_less():
    cheap, dear = plan_for(240), plan_for(240, row_cost=lambda n_learnt, n_columns: 0.01)
    assert len(dear.left_out) > len(cheap.left_out)
    estimate = costs(row_cost=lambda n_learnt, n_columns: 0.01).estimate(cheap, BANK)
    assert (
        estimate["teacher"] == costs().estimate(cheap, BANK)["teacher"]
    )  # a fold's teacher labels no other rows
    assert estimate["synthesize"] > 10 * costs().estimate(cheap, BANK)["synthesize"]


def test_what_a_fit_of_it_takes_is_in_the_memory():
    plan = plan_for(240)
    large = costs(fit_bytes=lambda n_rows, n_columns, n_levels: 1e10)
    assert study_bytes(plan, BANK, large.fitted) > 1e10 > study_bytes(plan, BANK, costs().fitted)


def test_a_plan_keeps_the_digest_of_its_weights_and_has_no_such_field_without():
    plan = dataclasses.replace(plan_for(240), pretrained={"nearest": "0" * 64})
    assert Plan.from_dict(plan.to_dict()) == plan
    assert "pretrained" not in plan_for(240, Asked()).to_dict()

from __future__ import annotations

import pytest

from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.plan import Asked, Plan, TableShape
from realmix.tasks.core.plan.priors import FoldSizes, expected_provable_gain
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.study.plan import with_expected_gain
from realmix.tasks.synthesizers import SYNTHESIZERS


def plan_for(metric: str) -> Plan:
    return make_plan(
        TableShape(2000, 1600, 16, 2, "binary", 0.117),
        Costs(SYNTHESIZERS, MODELS),
        asked=Asked(),
        available=["sequential-trees"],
        metric=metric,
        holdout=HoldoutRule(3, 0.2, ("age",)),
        budget_seconds=240,
        seed=0,
        n_workers=2,
    )


@pytest.mark.parametrize(("metric", "is_relative"), [("log_loss", True), ("roc_auc", False)])
def test_a_plan_keeps_what_its_folds_can_be_expected_to_prove(metric, is_relative):
    plan = with_expected_gain(plan_for(metric))
    sizes = FoldSizes(plan.n_development, plan.n_folds, plan.n_repeats)
    expected = {"is_relative": is_relative, "margin": METRICS[metric].margin}
    assert plan.expected_provable_gain == expected_provable_gain("binary", sizes, **expected)
    assert Plan.from_dict(plan.to_dict()) == plan

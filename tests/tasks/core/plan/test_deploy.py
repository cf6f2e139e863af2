from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.contracts.specs import Footprint
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.deploy import check_deployable, competing
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.plan import Asked, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Deploy
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

BANK = TableShape(2000, 1600, 16, 2, "binary", 0.117, n_levels=60)


def asked(models=None, *, is_monotone=False, **limits) -> Asked:
    return Asked(models=models, deploy=Deploy(**limits), is_monotone=is_monotone)


def spec(name: str, **changes):
    return dataclasses.replace(MODELS["linear"], name=name, **changes)


def test_without_limits_every_learner_that_is_not_optional_competes():
    names, refused = competing(MODELS, BANK, asked())
    assert refused == {}
    assert set(names) == {
        n for n, s in MODELS.items() if s.is_default and not s.is_null and "binary" in s.tasks
    }


def test_a_readable_model_leaves_out_boosted_trees_with_the_reason():
    names, refused = competing(MODELS, BANK, asked(readable=True))
    assert "decision-tree" in names and all(MODELS[name].write_readable for name in names)
    assert refused["xgboost"] == "people cannot follow it by hand"


def test_few_leaves_limit_a_readable_tree_and_refuse_a_forest():
    names, refused = competing(MODELS, BANK, asked(max_leaves=16))
    assert "decision-tree" in names and "linear" in names
    assert "leaves, and 16 are allowed" in refused["xgboost"]


def test_megabytes_and_milliseconds_are_those_that_the_learner_declares():
    declared = {"small": Footprint(0.5, 0.1), "large": Footprint(30.0, 4.0)}
    models = {n: spec(n, footprint=lambda *shape, each=each: each) for n, each in declared.items()}
    names, refused = competing(models, BANK, asked(max_megabytes=1, max_milliseconds=1))
    assert names == ("small",)
    assert refused["large"] == "30 ms for 1,000 rows, and 1 are allowed; up to 4 MB, and 1 are allowed"


def test_a_learner_of_unknown_size_is_refused_where_size_is_limited_only():
    models = {"mine": spec("mine", footprint=None), "linear": MODELS["linear"]}
    assert competing(models, BANK, asked(max_megabytes=1))[1] == {"mine": "its size is not declared"}
    assert competing(models, BANK, asked())[1] == {}


def test_trees_are_sized_by_the_rows_of_the_largest_mix():
    small = dataclasses.replace(BANK, n_all=100, n_development=80)
    limits = asked(max_megabytes=2.6)
    assert "xgboost" in competing(MODELS, small, dataclasses.replace(limits, ratios=(0.5,)))[0]
    assert "xgboost" in competing(MODELS, small, dataclasses.replace(limits, ratios=(50.0,)))[1]


def test_directions_refuse_a_learner_that_cannot_keep_to_them():
    models = {"free": spec("free", is_monotone=False), "linear": MODELS["linear"]}
    names, refused = competing(models, BANK, asked(is_monotone=True))
    assert names == ("linear",) and "`monotone`" in refused["free"]


def test_naming_a_refused_learner_is_an_error_and_so_is_having_none_left():
    with pytest.raises(
        BadInput, match=r"refuse xgboost \(people cannot follow it by hand\)\. Name other learners"
    ):
        competing(MODELS, BANK, asked(("xgboost",), readable=True))
    with pytest.raises(BadInput, match=r"refuse .*linear .*relax the card"):
        competing(MODELS, BANK, asked(max_megabytes=1e-6))


def test_a_plan_is_replayed_only_where_the_card_allows_all_its_learners():
    def plan(limits: Asked):
        return make_plan(
            BANK, Costs(SYNTHESIZERS, MODELS), asked=limits, available=["smote"], metric="log_loss",
            holdout=HoldoutRule(0, 0.2, ("age",)), budget_seconds=60, seed=0, n_workers=2,
        )  # fmt: skip

    readable = DataCard(target="y", deploy=Deploy(readable=True))
    check_deployable(plan(asked(readable=True)), MODELS, BANK, readable)
    check_deployable(plan(asked()), MODELS, BANK, DataCard(target="y"))
    with pytest.raises(
        BadInput, match=r"learners of the plan: .*xgboost \(people cannot .* Leave --plan out"
    ):
        check_deployable(plan(asked()), MODELS, BANK, readable)
    directed = DataCard(target="y", monotone={"age": "increasing"})
    with pytest.raises(BadInput, match="keep to the directions"):
        check_deployable(plan(asked(models=("mlp",))), MODELS, BANK, directed)

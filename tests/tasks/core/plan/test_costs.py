import dataclasses

import pytest

from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.plan import Asked, Plan, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.splits.nested_subsets import MAX_SLICES
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

BANK = TableShape(2000, 1600, 16, 2, "binary", 0.117)
N_TRAIN = 1280


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The richest study of a table: many mixes, three repeats."""
    return make_plan(
        BANK,
        Costs(SYNTHESIZERS, MODELS),
        asked=Asked(),
        available=[name for name, spec in SYNTHESIZERS.items() if not spec.is_control and spec.needs is None],
        metric="log_loss",
        holdout=HoldoutRule(3, 0.2, ("age",)),
        budget_seconds=1e6,
        seed=0,
        n_workers=2,
    )


def costs_of(plan: Plan, *raced: str) -> tuple[float, float]:
    costs = Costs(SYNTHESIZERS, MODELS, raced_metrics=frozenset(raced))
    return costs.all_pools(plan, BANK, N_TRAIN), costs.all_arms(plan, BANK, N_TRAIN)


def test_a_race_makes_the_repeats_cheaper(plan):
    grid, raced = costs_of(plan), costs_of(plan, "log_loss")
    assert all(r < g for r, g in zip(raced, grid, strict=True))
    assert costs_of(plan, "rmse") == grid


def test_a_race_saves_nothing_in_the_first_repeat(plan):
    once = dataclasses.replace(plan, n_repeats=1)
    assert costs_of(once, "log_loss") == pytest.approx(costs_of(once))


def test_the_repeats_of_a_race_hold_the_four_dearest_synthesizers(plan):
    costs = Costs(SYNTHESIZERS, MODELS, raced_metrics=frozenset({"log_loss"}))
    of_pools = sorted(costs.pool(plan, BANK, name, N_TRAIN) for name in plan.synthesizers)
    controls = sum(costs.pool(plan, BANK, name, N_TRAIN) for name in ("duplicates", "shuffled-marginals"))
    by_hand = 5 * sum(of_pools) + 10 * sum(of_pools[-4:]) + 15 * controls
    assert costs.all_pools(plan, BANK, N_TRAIN) == pytest.approx(by_hand)


def test_what_is_read_before_the_plan_is_not_counted_beside_a_measured_start(plan):
    million = dataclasses.replace(BANK, n_all=1_000_000, n_columns=20)
    unknown, measured = (
        Costs(SYNTHESIZERS, MODELS, start_seconds=began).estimate(plan, million) for began in (None, 40.0)
    )
    assert unknown["rows"] == pytest.approx(60.0)
    assert measured["start"] == 40.0 and measured["rows"] == pytest.approx(36.0)


def test_few_mixes_cost_the_same_with_and_without_a_race(plan):
    few = dataclasses.replace(
        plan, synthesizers={"smote": None}, ratios=(1.0,), weights=(1.0,), balances=("prior",)
    )
    assert costs_of(few, "log_loss") == pytest.approx(costs_of(few))


def test_declared_slices_cost_fits_of_the_dearest_learner_on_each_fold_of_the_curve(plan):
    costs, sliced = Costs(SYNTHESIZERS, MODELS), dataclasses.replace(BANK, has_slices=True)
    more = costs.rows_saved(plan, sliced, N_TRAIN) - costs.rows_saved(plan, BANK, N_TRAIN)
    dearest = max(costs.model(name, N_TRAIN, BANK) for name in plan.models)
    assert more == pytest.approx(5 * plan.curve_repeats * MAX_SLICES * 2 * dearest)


def test_attacks_are_counted_for_the_finalists_pools_and_not_where_folds_go_forward(plan):
    costs = Costs(SYNTHESIZERS, MODELS)
    one = dataclasses.replace(plan, synthesizers={"smote": None})
    alone, four = (costs.privacy(each, BANK, N_TRAIN) for each in (one, plan))
    assert 1 < alone < four < 20, "a few seconds at 2,000 rows"
    assert costs.privacy(dataclasses.replace(plan, forward=True), BANK, N_TRAIN) == 0
    assert costs.privacy(dataclasses.replace(plan, synthesizers={}), BANK, N_TRAIN) == 0


@pytest.mark.parametrize("n_workers", [1, 2, 64])
def test_attacks_run_beside_other_fits_on_one_processor(plan, n_workers):
    costs, several = Costs(SYNTHESIZERS, MODELS), dataclasses.replace(plan, n_workers=n_workers)
    found, attacks = costs.estimate(several, BANK), costs.privacy(several, BANK, N_TRAIN)
    beside = found["gap"] + found["rows saved"]
    assert found["privacy"] + beside == pytest.approx(max(attacks, beside + attacks / n_workers), abs=0.2)


def test_attacks_on_a_large_table_take_no_longer_than_on_their_sample(plan):
    costs = Costs(SYNTHESIZERS, MODELS)
    large, larger = (
        costs.privacy(dataclasses.replace(plan, n_development=n), BANK, n) for n in (1_000_000, 2_000_000)
    )
    assert large == larger


def test_sensitive_columns_cost_two_repairs_on_each_fold_of_a_repeat(plan):
    costs, sensitive = Costs(SYNTHESIZERS, MODELS), dataclasses.replace(BANK, has_sensitive=True)
    without, beside = costs.estimate(plan, BANK), costs.estimate(plan, sensitive)
    assert "fairness" not in without and beside["fairness"] > beside["gap"]

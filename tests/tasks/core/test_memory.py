import dataclasses

import pytest

from tasks.core import memory
from tasks.core.costs import Costs
from tasks.core.errors import BadInput
from tasks.core.memory import GIB, WORKER_BYTES, check_table_fits, most_workers, study_bytes, usable_bytes
from tasks.core.planning import make_plan
from tasks.core.plans import Asked, Plan, TableShape
from tasks.core.splitting import HoldoutRule
from tasks.models import MODELS
from tasks.plan import n_workers
from tasks.synthesizers import SYNTHESIZERS

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


def test_there_are_no_more_workers_than_memory_holds(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (str(limit),))
    for n_bytes, most in ((8 * WORKER_BYTES, 4), (WORKER_BYTES, 1)):
        limit.write_text(f"{n_bytes}\n")
        assert most_workers() == most
    assert n_workers() == 1


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


def test_a_table_that_cannot_be_held_is_refused_before_it_is_read():
    check_table_fits(1_000_000, 20, "table.csv")
    with pytest.raises(BadInput, match=r"table\.csv has 200,000,000 rows and 20 columns.*sample of the rows"):
        check_table_fits(200_000_000, 20, "table.csv")


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    limit.write_text("1000000000\n")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (str(limit), str(tmp_path / "none")))
    assert usable_bytes() <= 800_000_000
    limit.write_text("max\n")
    assert 800_000_000 < usable_bytes() <= memory.MAX_STUDY_BYTES


def test_a_bounded_plan_is_read_back_as_it_was():
    plan = plan_for(MILLION, 6)
    assert Plan.from_dict(plan.to_dict()) == plan


def test_the_refit_of_a_million_rows_is_in_the_estimate_and_bounds_make_it_cheaper():
    costs, plan = Costs(SYNTHESIZERS, MODELS), plan_for(SMALL, 6)
    bounded = dataclasses.replace(plan, max_teacher_rows=20_000, max_synthetic_rows=100_000)
    whole, less = (costs.estimate(p, MILLION)["refit"] for p in (plan, bounded))
    assert less < whole / 5
    assert costs.estimate(bounded, SMALL) == costs.estimate(plan, SMALL)

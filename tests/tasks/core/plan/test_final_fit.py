import dataclasses

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.final_fit import describe_final_fit
from tests.tasks.core.plan.test_memory_estimate import SMALL, plan_for

PLAN = dataclasses.replace(plan_for(SMALL, 6), max_teacher_rows=20_000, max_synthetic_rows=100_000)


def test_nothing_is_said_of_a_fit_that_is_as_it_was_compared():
    for arm in (Arm(Mix(), "xgboost"), Arm(Mix("smote", 2.0, 1.0, "teacher"), "xgboost")):
        n_synthetic = round(arm.mix.synthetic_ratio * 2_000)
        assert describe_final_fit(arm, PLAN, n_real=2_000, n_synthetic=n_synthetic)["sentence"] is None


def test_fewer_synthetic_rows_and_a_teacher_of_fewer_rows_are_said():
    arm = Arm(Mix("smote", 2.0, 1.0, "teacher"), "xgboost")
    said = describe_final_fit(arm, PLAN, n_real=1_000_000, n_synthetic=100_000)["sentence"]
    assert "100,000 synthetic rows instead of 2,000,000" in said
    assert "20,000 of 1,000,000 real rows" in said


def test_distillation_speaks_of_its_teacher_and_of_no_synthetic_rows():
    said = describe_final_fit(Arm(Mix(label_rule="teacher"), "xgboost"), PLAN, n_real=50_000, n_synthetic=0)
    assert said["n_teacher"] == 20_000
    assert "synthetic" not in said["sentence"]

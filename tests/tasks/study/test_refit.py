import dataclasses

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.training_set import Pool, mix_training_set
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.study.refit import affordable
from tests.tasks.core.plan.test_memory_estimate import SMALL, plan_for

PLAN = dataclasses.replace(plan_for(SMALL, 6), max_synthetic_rows=100)
ARM = Arm(Mix("smote", 2.0, 0.3), "xgboost")


def rows(n_rows: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.linspace(0, 1, n_rows), "y": ["no", "yes"] * (n_rows // 2)})


def test_a_final_fit_holds_no_more_synthetic_rows_than_planned_and_they_weigh_as_much():
    real, schema = rows(400), infer_schema(rows(400), "y")
    whole, bounded = (
        mix_training_set(real, Pool(rows(800)), arm.mix, schema=schema)
        for arm in (ARM, affordable(ARM, PLAN, 400))
    )
    assert [(t.origin != "real").sum() for t in (whole, bounded)] == [800, 100]
    of_synthetic = [t.sample_weight[t.origin != "real"].sum() for t in (whole, bounded)]
    np.testing.assert_allclose(of_synthetic, 0.3 * 400)


def test_a_mix_within_the_bound_and_real_rows_alone_stay_as_they_are():
    assert affordable(ARM, PLAN, 50) == ARM
    assert affordable(Arm(Mix(), "xgboost"), PLAN, 10**6) == Arm(Mix(), "xgboost")
    assert affordable(ARM, dataclasses.replace(PLAN, max_synthetic_rows=None), 10**6) == ARM

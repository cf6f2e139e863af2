import numpy as np
import pandas as pd

from tests.tasks.synthesizers.fitting import fit

RNG = np.random.default_rng(0)
JOB = RNG.choice(["cook", "nurse", "pilot"], 300)
RAW = pd.DataFrame(
    {
        "job": JOB,
        "wage": np.select([JOB == "cook", JOB == "nurse"], [10.0, 20.0], 30.0) + RNG.normal(size=300),
        "licence": np.where(JOB == "pilot", RNG.normal(size=300), np.nan),
        "y": np.where(RNG.random(300) < 0.3, "yes", "no"),
    }
)


def test_each_value_is_one_of_its_column_and_goes_with_those_before_it():
    rows = fit("sequential-trees", RAW).sample(400, random_state=1)
    assert set(rows["wage"]) <= set(RAW["wage"])
    by_job = rows.groupby("job")["wage"].agg(["min", "max"])
    assert (by_job["max"] - by_job["min"] < 10).all(), "jobs lie 10 apart"


def test_cells_are_missing_where_those_of_the_real_rows_are():
    rows = fit("sequential-trees", RAW).sample(400, random_state=1)
    assert (rows["licence"].isna() == (rows["job"] != "pilot")).all()


def test_the_target_comes_first_with_the_share_it_has_or_is_asked_to_have():
    synthesizer = fit("sequential-trees", RAW)
    rows = synthesizer.sample(90, class_counts={"yes": 60, "no": 30}, random_state=1)
    assert rows["y"].value_counts().to_dict() == {"yes": 60, "no": 30}
    assert (
        abs((synthesizer.sample(300, random_state=1)["y"] == "yes").mean() - (RAW["y"] == "yes").mean())
        < 0.01
    )

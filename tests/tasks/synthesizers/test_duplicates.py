import numpy as np
import pandas as pd

from tests.tasks.synthesizers.fitting import fit

RAW = pd.DataFrame({"x": np.arange(40.0), "job": ["cook", "nurse"] * 20, "y": ["no"] * 30 + ["yes"] * 10})


def test_every_row_is_a_real_row_of_its_class():
    rows = fit("duplicates", RAW).sample(60, class_counts={"no": 20, "yes": 40}, random_state=1)
    real = {tuple(row) for row in RAW.itertuples(index=False)}
    assert {tuple(row) for row in rows.itertuples(index=False)} <= real
    assert rows["y"].value_counts().to_dict() == {"yes": 40, "no": 20}


def test_rows_are_drawn_with_replacement():
    rows = fit("duplicates", RAW).sample(40, random_state=1)
    # Of 40 rows drawn from 40 about 63 % are different ones.
    assert 15 < rows["x"].nunique() < 35

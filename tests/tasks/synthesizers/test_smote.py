import numpy as np
import pandas as pd
import pytest

from tests.tasks.synthesizers.fitting import fit


def test_numbers_lie_between_those_of_their_class():
    x = np.concatenate([np.linspace(0.5, 5, 20), np.linspace(90.5, 99, 20)])
    raw = pd.DataFrame({"x": x, "y": ["no"] * 20 + ["yes"] * 20})
    rows = fit("smote", raw).sample(100, random_state=1)
    between = rows.groupby("y")["x"].agg(["min", "max"])
    assert between.loc["no", "min"] >= 0.5 and between.loc["no", "max"] <= 5
    assert between.loc["yes", "min"] >= 90.5 and between.loc["yes", "max"] <= 99
    assert not rows["x"].isin(x).all()


def test_a_small_class_has_fewer_neighbours_and_a_single_row_is_scattered_around():
    x = np.append(np.linspace(0.5, 10, 40), [50.25, 60.5, 90.75])
    raw = pd.DataFrame({"x": x, "y": ["common"] * 40 + ["pair"] * 2 + ["single"]})
    rows = fit("smote", raw).sample(
        120, class_counts={"common": 40, "pair": 40, "single": 40}, random_state=1
    )
    assert rows.loc[rows["y"] == "pair", "x"].between(50.25, 60.5).all()
    single = rows.loc[rows["y"] == "single", "x"]
    assert single.median() == pytest.approx(90.75, abs=0.1 * x.std())
    assert single.max() <= 90.75, "no number beyond the real ones"


def test_for_regression_rows_lie_on_the_line_between_two_neighbours():
    x = np.random.default_rng(0).uniform(0, 10, 80)
    raw = pd.DataFrame({"x": x, "amount": 3 * x + 1})
    rows = fit("smote", raw, target="amount").sample(200, random_state=1)
    assert np.allclose(rows["amount"], 3 * rows["x"] + 1)
    assert rows["x"].between(x.min(), x.max()).all() and not rows["x"].isin(x).any()

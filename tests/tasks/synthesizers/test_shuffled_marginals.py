import numpy as np
import pandas as pd
import pytest

from tests.tasks.synthesizers.fitting import fit

X = np.arange(200) + 0.25
RAW = pd.DataFrame({"x": X, "twice": 2 * X + 0.25, "y": np.where(X < 150, "no", "yes")})


def test_each_column_keeps_its_values_and_loses_its_relations():
    rows = fit("shuffled-marginals", RAW).sample(2000, random_state=1)
    assert set(rows["x"]) <= set(RAW["x"]) and set(rows["twice"]) <= set(RAW["twice"])
    assert rows["x"].mean() == pytest.approx(RAW["x"].mean(), abs=5)
    assert abs(np.corrcoef(rows["x"], rows["twice"])[0, 1]) < 0.1
    by_class = rows.groupby("y")["x"].mean()
    assert by_class["yes"] == pytest.approx(by_class["no"], abs=10), "among real rows they lie 100 apart"


def test_classes_are_those_asked_for_and_tell_nothing_of_the_features():
    rows = fit("shuffled-marginals", RAW).sample(300, class_counts={"yes": 300}, random_state=1)
    assert set(rows["y"]) == {"yes"} and (rows["x"] < 150).mean() == pytest.approx(0.75, abs=0.1)


def test_of_a_regression_the_target_is_drawn_alone_too():
    rows = fit("shuffled-marginals", RAW, target="twice").sample(2000, random_state=1)
    assert abs(np.corrcoef(rows["x"], rows["twice"])[0, 1]) < 0.1

import numpy as np
import pandas as pd

from tests.tasks.synthesizers.fitting import fit


def test_rows_whose_nearest_neighbour_is_their_twin_stay_as_they_are():
    x = np.repeat([0.5, 10.25, 20.75, 31.5], 2)
    raw = pd.DataFrame(
        {"x": x, "job": np.repeat(["cook", "nurse", "cook", "pilot"], 2), "y": np.repeat(["no", "yes"], 4)}
    )
    rows = fit("neighbour-swap", raw).sample(40, random_state=1)
    real = {tuple(row) for row in raw.itertuples(index=False)}
    assert {tuple(row) for row in rows.itertuples(index=False)} == real


def test_values_are_exchanged_within_a_class_only():
    # In every pair of classes the nearest row belongs to the other class.
    place = np.repeat(np.arange(20.0) * 10, 2)
    is_yes = np.arange(40) % 2 == 1
    raw = pd.DataFrame(
        {
            "x": place + 0.1 * is_yes,
            "job": np.where(is_yes, "nurse", "cook"),
            "y": np.where(is_yes, "yes", "no"),
        }
    )
    rows = fit("neighbour-swap", raw).sample(200, random_state=1)
    assert (rows["job"] == np.where(rows["y"] == "yes", "nurse", "cook")).all()
    assert not rows["x"].isin(raw["x"]).all()


def test_a_class_of_one_row_takes_values_of_its_nearest_neighbour():
    raw = pd.DataFrame(
        {
            "x": [*np.linspace(0, 1, 20), 50.5],
            "job": ["cook"] * 19 + ["nurse", "pilot"],
            "y": ["no"] * 20 + ["yes"],
        }
    )
    rows = fit("neighbour-swap", raw).sample(100, class_counts={"yes": 100}, random_state=1)
    assert set(rows["y"]) == {"yes"} and set(rows["job"]) == {"pilot", "nurse"}


def test_every_real_row_is_used_before_one_is_used_again():
    raw = pd.DataFrame({"x": np.linspace(0, 1, 30), "job": ["cook", "nurse", "pilot"] * 10})
    targets = fit("neighbour-swap", raw, target="x").sample(60, random_state=1)["x"]
    assert targets.value_counts().tolist() == [2] * 30

"""Simulated cars obey mechanics and stay near the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.sources import open_source
from realmix.tasks.synthesizers.simulations.fuel import miles_per_gallon, simulate


@pytest.fixture(scope="module")
def real():
    return open_source("package:bokeh_sampledata/_data/auto-mpg.csv").load()


def test_a_heavier_or_older_car_gets_less_far():
    weight, displacement, year = np.array([2000.0, 3000, 2000]), np.full(3, 100.0), np.array([80, 80, 72])
    light, heavy, old = miles_per_gallon(weight, displacement, year)
    assert light > heavy and light > old


def test_the_same_seed_draws_the_same_cars(real):
    assert simulate(50, real, 3).equals(simulate(50, real, 3))
    assert not simulate(50, real, 3).equals(simulate(50, real, 4))


def test_the_formula_explains_most_of_what_real_cars_need(real):
    computed = miles_per_gallon(
        real["weight"].to_numpy(float), real["displ"].to_numpy(float), real["yr"].to_numpy()
    )
    assert np.corrcoef(np.log(computed), np.log(real["mpg"]))[0, 1] > 0.9


def test_simulated_cars_have_the_level_and_columns_of_real_ones(real):
    cars = simulate(2_000, real, 0)
    assert set(cars.columns) == set(real.columns) - {"name"}
    assert abs(cars["mpg"].median() / real["mpg"].median() - 1) < 0.05

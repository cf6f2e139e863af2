"""Cars of the 1970s and the fuel they need, computed from mechanics.

A card uses it with ``simulate: realmix.tasks.synthesizers.simulations.fuel:simulate`` (worked example:
``infra/examples/automotive.yaml``). A design (cylinders, year, origin) is taken from a real car; displacement, power and
weight are drawn around what such designs have; fuel follows from the forces on a car of this weight, not from a
regression on the rows.

====== ======= ========================================================
column type    meaning
====== ======= ========================================================
mpg    float   miles per US gallon: the target
cyl    integer cylinders
displ  float   displacement in cubic inches
hp     integer horsepower
weight integer pounds
accel  float   seconds from 0 to 60 miles per hour
yr     integer year of the model, two digits
origin any     as in the table: 1 America, 2 Europe, 3 Japan
====== ======= ========================================================
"""

from __future__ import annotations

import numpy as np
import pandas as pd

KG_PER_POUND = 0.4536
METRES_PER_MILE = 1609.3
JOULES_PER_GALLON = 121e6
# Forces of mixed driving: rolling (newton per kg), braking (newton per kg) and air (newton).
ROLLING, BRAKING, AIR = 0.15, 0.10, 190.0
# Share of the fuel's energy that reached the wheels in 1970, and how much better engines became in a year.
EFFICIENCY, PROGRESS = 0.17, 0.03
# Friction of the engine costs fuel by its size: newton per cubic inch.
FRICTION = 0.5
# What two cars of one design still differ by.
SCATTER = 0.07


def miles_per_gallon(weight: np.ndarray, displacement: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Compute the distance that a gallon lasts.

    Parameters
    ----------
    weight : array of shape (n,)
        Pounds.
    displacement : array of shape (n,)
        Cubic inches.
    year : array of shape (n,)
        Two digits, from 70 on.

    Examples
    --------
    >>> miles_per_gallon(np.array([2200.0, 4400.0]), np.array([97.0, 400.0]), np.array([75, 75])).round(1)
    array([30.4, 16.7])
    """
    force = (ROLLING + BRAKING) * weight * KG_PER_POUND + AIR + FRICTION * displacement
    efficiency = EFFICIENCY * (1 + PROGRESS) ** (year - 70)
    return efficiency * JOULES_PER_GALLON / (force * METRES_PER_MILE)


def simulate(n_rows: int, reference: pd.DataFrame, random_state: int) -> pd.DataFrame:
    """Draw cars and compute what they need.

    Parameters
    ----------
    n_rows : int
    reference : DataFrame
        Real cars with the columns above: designs are taken from them, and the level of fuel is set to theirs.
    random_state : int

    Returns
    -------
    DataFrame of shape (n_rows, 8)
    """
    rng = np.random.default_rng(random_state)
    cars = reference.iloc[rng.integers(len(reference), size=n_rows)].reset_index(drop=True)
    displacement = cars["displ"].to_numpy(float) * np.exp(rng.normal(0, 0.10, n_rows))
    power = cars["hp"].to_numpy(float) * np.exp(rng.normal(0, 0.12, n_rows))
    weight = cars["weight"].to_numpy(float) * np.exp(rng.normal(0, 0.08, n_rows))
    mpg = miles_per_gallon(weight, displacement, cars["yr"].to_numpy()) * _level(reference)
    # The time to a speed grows with the weight that each horsepower moves.
    burden = (weight / power) / (cars["weight"] / cars["hp"]).to_numpy(float)
    return pd.DataFrame(
        {
            "mpg": (mpg * np.exp(rng.normal(0, SCATTER, n_rows))).round(1),
            "cyl": cars["cyl"],
            "displ": displacement.round(),
            "hp": power.round().astype(int),
            "weight": weight.round().astype(int),
            "accel": (cars["accel"].to_numpy(float) * burden**0.4).round(1),
            "yr": cars["yr"],
            "origin": cars["origin"],
        }
    )


def _level(reference: pd.DataFrame) -> float:
    """How far real cars get, relative to the formula."""
    weight, displacement = (reference[name].to_numpy(float) for name in ("weight", "displ"))
    computed = miles_per_gallon(weight, displacement, reference["yr"].to_numpy())
    return float(np.median(reference["mpg"].to_numpy(float) / computed))

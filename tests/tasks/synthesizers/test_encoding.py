from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.synthesizers._encoding import MAX_LEVELS, TableEncoding, embed, is_code, nearest

N = 400
RNG = np.random.default_rng(0)
RAW = pd.DataFrame(
    {
        "amount": np.where(np.arange(N) % 5 == 0, np.nan, RNG.normal(size=N)),
        "town": [f"town {i}" for i in (RNG.pareto(1.0, N) * 15).astype(int) % 120],
        "empty_here": [None] * N,
        "colour": [None if i % 7 == 0 else "red" for i in range(N)],
        "y": RNG.choice(["a", "b", "c"], N),
    }
)
SCHEMA = infer_schema(
    RAW, "y", kinds={"empty_here": "numeric", "colour": "categorical", "town": "categorical"}
)
REAL = SCHEMA.apply(RAW)
ENCODING = TableEncoding(REAL, SCHEMA)


def test_encoded_rows_are_complete_and_come_back_as_they_were() -> None:
    encoded = ENCODING.encode(REAL)
    assert not encoded.isna().any().any()
    assert encoded.columns[0] == ENCODING.target_key
    back = ENCODING.decode(encoded, np.random.default_rng(0))
    pd.testing.assert_frame_equal(back.drop(columns="town"), REAL.drop(columns="town"))


def test_rare_levels_share_a_code_and_are_redrawn_by_their_frequency() -> None:
    levels = ENCODING.levels["town"]
    codes = levels.encode(REAL["town"])
    assert codes.max() == len(levels.kept) == MAX_LEVELS - 1
    rare = REAL["town"].isin(levels.merged)
    assert (codes[rare] == MAX_LEVELS - 1).all()
    drawn = pd.Series(levels.decode(np.full(50_000, MAX_LEVELS - 1), np.random.default_rng(0)))
    wanted = REAL["town"][rare].value_counts(normalize=True)
    assert (drawn.value_counts(normalize=True) - wanted).abs().max() < 0.01


def test_a_column_that_does_not_vary_is_left_out_and_put_back() -> None:
    assert "empty_here" in ENCODING.constants
    assert ENCODING.decode(ENCODING.encode(REAL), np.random.default_rng(0))["empty_here"].isna().all()


def test_two_different_codes_are_as_far_apart_as_one_standard_deviation() -> None:
    encoded = pd.DataFrame({"x0": [0.0, 2.0, 0.0], "k1": [0, 0, 1]})
    points, scales = embed(encoded)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert np.isclose(distance[0, 1], 2.0 / scales["x0"])
    assert np.isclose(distance[0, 2], 1.0)
    assert [is_code(key) for key in encoded] == [False, True]


def test_a_row_is_not_its_own_neighbour() -> None:
    points = np.array([[0.0], [0.0], [5.0]])
    assert nearest(points, 1)[:, 0].tolist()[:2] == [1, 0]

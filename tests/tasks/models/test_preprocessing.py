from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.models._preprocessing import MAX_LEVELS, learn_codes, learn_dense
from realmix.tasks.models._serving import encode_codes, encode_dense


def texts(*values: str | None) -> pd.DataFrame:
    return pd.DataFrame({"job": pd.Series(values, dtype=object)})


def test_unseen_and_missing_levels_both_have_no_code():
    spec = learn_codes(texts("nurse", "clerk", None))
    codes = encode_codes(texts("clerk", "nurse", "astronaut", None), spec)
    assert codes[:2, 0].tolist() == [0, 1] and np.isnan(codes[2:, 0]).all()


def test_infrequent_levels_share_a_column_with_unseen_ones():
    spec = learn_dense(texts(*["nurse"] * 5, *["clerk"] * 6, "pilot", "judge"))
    assert spec["features"][0]["levels"] == ["clerk", "nurse"]
    encoded = encode_dense(texts("clerk", "nurse", "pilot", "astronaut", None), spec)
    assert encoded.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]]


def test_missing_levels_have_a_column_only_where_training_had_them():
    spec = learn_dense(texts(*["nurse"] * 5, *["clerk"] * 6, None))
    assert encode_dense(texts(None, "astronaut"), spec).tolist() == [[0, 0, 1], [0, 0, 0]]


def test_levels_beyond_the_top_ones_are_pooled():
    spec = learn_dense(texts(*[f"level-{i:03d}" for i in range(MAX_LEVELS + 9) for _ in range(6)]))
    assert len(spec["features"][0]["levels"]) == MAX_LEVELS and spec["features"][0]["has_infrequent"]


def test_missing_numbers_take_the_median_and_set_an_indicator():
    spec = learn_dense(pd.DataFrame({"age": [1.0, 2.0, 3.0, np.nan]}))
    encoded = encode_dense(pd.DataFrame({"age": [2.0, np.nan]}), spec)
    assert np.allclose(encoded, [[0, 0], [0, 1]])


def test_long_tails_are_learned_on_a_log_scale():
    tail = pd.DataFrame({"income": np.exp(np.linspace(0, 12, 200))})
    spec = learn_dense(tail)
    assert spec["features"][0]["is_log"] and np.abs(encode_dense(tail, spec)).max() < 2


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_whatever_the_numbers_the_encoding_is_finite_and_bounded(values):
    frame = pd.DataFrame({"x": np.array(values, dtype=float)})
    encoded = encode_dense(frame, learn_dense(frame))
    assert np.isfinite(encoded).all() and np.abs(encoded).max() <= 8

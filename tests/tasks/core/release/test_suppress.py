import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.release.suppress import SharedNumbers, round_rare_numbers, shows_rare
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.infer_schema import infer_schema

AMOUNT = Column("amount", "numeric", "float")
RNG = np.random.default_rng(0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=10, max_size=200), st.integers(2, 8))
def test_a_number_is_shown_only_if_enough_real_rows_round_to_it(values, min_rows):
    real = np.array(values)
    learned = SharedNumbers.learn(real, min_rows, AMOUNT)
    shown = learned.show(real)
    clipped = np.clip(real, learned.low, learned.high)
    for number in shown[~np.isnan(shown)]:
        n_alike = [
            (
                np.isclose(np.round(np.round(clipped / step) * step, 10), number).sum()
                if step
                else (clipped == number).sum()
            )
            for step in learned.steps
        ]
        assert max(n_alike) >= min_rows


def test_the_income_of_the_richest_is_not_shown_and_common_numbers_stay():
    real = np.concatenate(
        [np.repeat([1_000.0, 2_000.0], 50), RNG.lognormal(8, 0.5, 300).round(2), [9_876_543.21]]
    )
    shown = SharedNumbers.learn(real, 5, AMOUNT).show(np.array([1_000.0, 2_000.0, 9_876_543.21, real[120]]))
    assert shown[0] == 1_000 and shown[1] == 2_000
    assert shown[2] < 30_000, "clipped to the fifth largest, and rounded"
    assert shown[3] != real[120] and shown[3] == pytest.approx(real[120], rel=0.1)


def test_dates_are_rounded_to_days_weeks_or_months():
    seconds = 86_400.0 * RNG.integers(0, 3_000, 200)
    day = Column("day", "datetime", "string")
    shown = SharedNumbers.learn(seconds, 5, day).show(seconds)
    assert len(np.unique(shown)) < 60 < len(np.unique(seconds))


def people(n=300):
    job = RNG.choice(["nurse", "teacher", "clerk"], n).astype(object)
    sex = RNG.choice(["f", "m"], n).astype(object)
    job[0], sex[0] = "mayor", "f"
    sex[job == "clerk"] = "m"
    sex[np.flatnonzero(job == "clerk")[:2]] = "f"
    return pd.DataFrame(
        {"job": job, "sex": sex, "age": RNG.integers(18, 80, n), "ill": RNG.choice(["no", "yes"], n)}
    )


def test_a_rare_level_and_a_rare_combination_are_found_and_what_nobody_has_stays():
    real = people()
    schema = infer_schema(real, "ill")
    real = schema.apply(real)
    drawn = real.iloc[[5] * 4].reset_index(drop=True)
    drawn["job"], drawn["sex"] = ["mayor", "clerk", "clerk", "nurse"], ["f", "f", "m", "f"]
    assert shows_rare(drawn, real, schema, ["job", "sex"], 5).tolist() == [True, True, False, False]
    assert shows_rare(drawn, real, schema, [], 5).tolist() == [True, False, False, False], (
        "levels count always"
    )
    drawn["sex"] = ["m", "m", "m", "x"]
    assert shows_rare(drawn, real, schema, ["job", "sex"], 5).tolist()[3] is False, "nobody has it"


def test_few_real_numbers_leave_nothing_to_show():
    real = pd.DataFrame({"x": [1.5, np.nan, np.nan, np.nan], "y": ["a", "b", "a", "b"]})
    schema = infer_schema(real, "y", kinds={"x": "numeric"})
    assert round_rare_numbers(schema.apply(real), schema.apply(real), schema, 2)["x"].isna().all()

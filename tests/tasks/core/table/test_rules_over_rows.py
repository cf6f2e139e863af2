"""Rules over several columns or rows: what is broken, and what rows that are known already decide."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.rule_kinds import (
    DeterminesRule,
    MonotoneRule,
    OrderRule,
    PatternRule,
    Rule,
    UniqueRule,
)
from realmix.tasks.core.table.rules import repair_rows, violations

ODOMETER = MonotoneRule(kind="monotone", column="km", along="day", within=("car",))
CITY = DeterminesRule(kind="determines", columns=("zip",), column="city")


def broken(frame: pd.DataFrame, rule: Rule, known: pd.DataFrame | None = None) -> list[bool]:
    return violations(frame, [rule], known=known).iloc[:, 0].tolist()


def test_dates_and_numbers_are_in_order_and_missing_cells_break_nothing():
    frame = pd.DataFrame(
        {
            "start": ["2024-01-05", "2024-02-01", None, "2024-03-01"],
            "end": pd.to_datetime(["2024-01-06", "2024-01-31", "2024-01-01", "2024-03-01"]),
        }
    )
    rule = OrderRule(kind="order", columns=("start", "end"))
    assert broken(frame, rule) == [False, True, False, False]
    assert broken(frame, rule.model_copy(update={"strict": True})) == [False, True, False, True]


def test_an_order_holds_across_a_missing_cell_between():
    frame = pd.DataFrame({"a": [3, 1], "b": [None, None], "c": [2, 2]})
    assert broken(frame, OrderRule(kind="order", columns=("a", "b", "c"))) == [True, False]


def test_an_order_of_words_is_refused():
    frame = pd.DataFrame({"a": ["small"], "b": ["large"]})
    with pytest.raises(BadInput, match="needs numbers or dates"):
        broken(frame, OrderRule(kind="order", columns=("a", "b")))


def test_a_pattern_matches_the_whole_text():
    frame = pd.DataFrame({"zip": ["01067", "1067", "010670", None]})
    assert broken(frame, PatternRule(kind="pattern", column="zip", pattern="[0-9]{5}|x")) == [
        False, True, True, False,
    ]  # fmt: skip
    numbers = pd.DataFrame({"zip": [10670.0, 1067.0]})
    assert broken(numbers, PatternRule(kind="pattern", column="zip", pattern="[0-9]{5}")) == [False, True]


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time():
    frame = pd.DataFrame({"text": ["a" * 5000 + "!"]})
    started = time.perf_counter()
    assert broken(frame, PatternRule(kind="pattern", column="text", pattern="(a+)+")) == [True]
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", r"(a)\1"])
def test_a_pattern_that_cannot_be_used_is_one_sentence(pattern):
    with pytest.raises(BadInput, match="no regular expression of RE2"):
        broken(pd.DataFrame({"zip": ["1"]}), PatternRule(kind="pattern", column="zip", pattern=pattern))


def test_what_most_rows_say_determines_and_the_first_decides_a_tie():
    frame = pd.DataFrame({"zip": [1, 1, 1, 2, 2, None], "city": ["a", "b", "a", "c", "d", "e"]})
    assert broken(frame, CITY) == [False, True, False, False, True, False]
    assert repair_rows(frame, [CITY])["city"].tolist() == ["a", "a", "a", "c", "c", "e"]


def test_known_rows_determine_more_than_any_number_of_new_ones():
    known = pd.DataFrame({"zip": [1.0], "city": ["a"]})
    frame = pd.DataFrame({"zip": pd.array([1, 1, 7], dtype="Int64"), "city": ["b", "b", "z"]})
    assert broken(frame, CITY, known) == [True, True, False]
    repaired = repair_rows(frame, [CITY], known=known)
    assert repaired["city"].tolist() == ["a", "a", "z"]
    assert broken(repaired, CITY, known) == [False] * 3


def test_determined_numbers_keep_their_type():
    frame = pd.DataFrame({"zip": ["x", "x", "x"], "city": [1, 1, 2]})
    assert repair_rows(frame, [CITY])["city"].tolist() == [1, 1, 1]


def test_a_second_equal_row_breaks_uniqueness_and_so_does_one_that_is_known():
    rule = UniqueRule(kind="unique", columns=("person", "visit"))
    frame = pd.DataFrame({"person": [1, 1, 1, None, None], "visit": [1, 2, 1, 1, 1]})
    assert broken(frame, rule) == [False, False, True, False, False]
    assert broken(frame, rule, pd.DataFrame({"person": [1.0], "visit": [2]})) == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_cells_cannot_run_into_each_other():
    frame = pd.DataFrame({"a": ["1:x", "1"], "b": ["y", ":xy"]})
    assert broken(frame, UniqueRule(kind="unique", columns=("a", "b"))) == [False, False]


def test_one_wrong_reading_is_broken_and_not_all_that_follow_it():
    frame = pd.DataFrame(
        {"car": list("AAAAB"), "day": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-02"],
         "km": [10, 9999, 20, 30, 5]}
    )  # fmt: skip
    assert broken(frame, ODOMETER) == [False, True, False, False, False]
    falling = frame.assign(km=-frame["km"])
    assert broken(falling, ODOMETER.model_copy(update={"direction": "decreasing"})) == broken(frame, ODOMETER)


def test_rows_between_known_ones_lie_between_them():
    known = pd.DataFrame({"car": ["A", "A"], "day": [1, 9], "km": [100, 200]})
    frame = pd.DataFrame({"car": ["A", "A", "A", "B"], "day": [5, 5, 0, 5], "km": [150, 250, 100, 250]})
    assert broken(frame, ODOMETER, known) == [False, True, False, False]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_rows_that_are_left_are_monotone_and_the_most_that_can_be(points):
    frame = pd.DataFrame({"car": 1, "day": [p[0] for p in points], "km": [p[1] for p in points]}, dtype=float)
    kept = frame[~np.array(broken(frame, ODOMETER), dtype=bool)]

    def is_monotone(rows: pd.DataFrame) -> bool:
        return all(a.km <= b.km for a in rows.itertuples() for b in rows.itertuples() if a.day < b.day)

    assert is_monotone(kept)
    most = max(
        (bin(chosen).count("1") for chosen in range(2 ** len(points))
         if is_monotone(frame[[bool(chosen >> i & 1) for i in range(len(points))]])),
        default=0,
    )  # fmt: skip
    assert len(kept) == most


def test_ten_thousand_rows_take_no_second():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"car": rng.integers(0, 9, 10_000), "day": np.arange(10_000), "km": rng.normal(size=10_000)}
    )
    started = time.perf_counter()
    broken(frame, ODOMETER)
    assert time.perf_counter() - started < 3

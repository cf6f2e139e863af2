from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.hints.find_hints import check_hints, hint_lines
from tests.tasks.core.table.hints.tables import hints_of, honest, quantity, strong


def leaky() -> pd.DataFrame:
    table = honest()
    many = np.random.default_rng(0).integers(0, 6, len(table))
    return table.assign(code=np.where(table["left"] == "yes", many, many + 6).astype(str))


def plain(seed: int) -> pd.DataFrame:
    """Any table without a leak: sizes, kinds of columns and targets vary; customers and dates tell nothing."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([80, 200, 500, 1500]))
    table = (quantity if seed % 3 == 0 else honest)(seed, n)
    if seed % 3 == 1:
        table["left"] = pd.qcut(table["score"] + rng.normal(size=n), 4, labels=list("abcd")).astype(str)
    for number in range(int(rng.integers(0, 12))):
        table[f"x{number}"] = rng.normal(size=n) if number % 2 else rng.choice(list("abcdefgh"), n)
    table["customer"] = rng.integers(1000, 1000 + max(n // 5, 2), n)
    days = pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    return table.assign(when=(pd.Timestamp("2023-01-01") + days).strftime("%Y-%m-%d"))


def test_no_table_without_a_leak_is_stopped():
    stopped = {seed: strong(plain(seed)) for seed in range(30)}
    assert not any(stopped.values()), stopped


def test_a_strong_hint_stops_a_study_and_names_the_card_lines():
    with pytest.raises(
        BadInput, match=r"'code' alone tells .* `ignore: \[code\]` or `allow_leaks: \[code\]`"
    ):
        check_hints(hints_of(leaky()))


def test_a_new_card_counts_its_hints_and_says_the_strong_ones():
    hints = hints_of(leaky())
    counted, *said = hint_lines(hints)
    assert counted == "It holds 1 hint as a comment, and 1 must be answered before a study:"
    assert said == [hint.advice for hint in hints]
    assert hint_lines(()) == ["It holds no hint: nothing has to be answered before a study."]


@pytest.mark.parametrize("answer", ["ignore", "allow_leaks"])
def test_a_card_that_answers_is_not_asked_again(answer):
    assert hints_of(leaky(), **{answer: ("code",)}) == ()


def test_a_declared_split_answers_what_is_about_the_split():
    table = honest(n_rows=900)
    patient = np.random.default_rng(1).permutation(np.repeat(np.arange(60), 15))
    table = table.assign(patient=patient, left=np.where(patient % 2, "yes", "no"))
    assert ("group", ("patient",)) in strong(table)
    assert strong(table, group="patient") == []


def test_the_first_of_several_is_said_and_the_others_are_counted():
    table = leaky().assign(again=leaky()["code"] + "b")
    with pytest.raises(BadInput, match="1 more such hint"):
        check_hints(hints_of(table))


def test_the_same_table_has_the_same_hints():
    assert hints_of(leaky()) == hints_of(leaky())


def test_weak_hints_stop_nothing():
    table = honest()
    table.loc[::10, "age"] = -999
    check_hints(hints_of(table))

"""Malformed input, from fixed seeds: a sentence or a right result, never a traceback, a wrong result or a long wait.

`make redteam` tries all of them; the test run a sample.
"""

from __future__ import annotations

import resource
import warnings
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from tests.redteam.checking import check_card, check_plan_file, check_served, check_table
from tests.redteam.fuzzing import TooLong, in_time
from tests.redteam.malformed_documents import malformed_card, malformed_plan
from tests.redteam.malformed_rows import malformed_rows
from tests.redteam.malformed_tables import malformed_table

# How many of each there are, and how many of them a sample has: each kind of damage several times.
N_TABLES, N_CARDS, N_PLANS, N_ROWS = 650, 300, 160, 290
SAMPLES = {N_TABLES: 52, N_CARDS: 40, N_PLANS: 24, N_ROWS: 40}
# Beyond what reading a table of some kilobytes may take.
MAX_GROWTH_BYTES = 1 << 30

size = pytest.mark.parametrize(
    "is_all", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["a sample", "all"]
)


def numbers(n_cases: int, is_all: bool) -> Iterable[int]:
    return range(n_cases if is_all else SAMPLES[n_cases])


def try_all(cases: Iterable[int], one: Callable[[int], tuple[str, str]]) -> Counter[str]:
    """Try each case; fail with all that went wrong, by number."""
    outcomes: Counter[str] = Counter()
    wrong = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in cases:
        try:
            with in_time(), warnings.catch_warnings():
                warnings.simplefilter("error")
                kind, outcome = one(number)
            outcomes[f"{kind}: {outcome}"] += 1
        except (Exception, TooLong) as err:
            wrong.append(f"{number}: {type(err).__name__}: {err}"[:300])
    assert not wrong, f"{len(wrong)} went wrong:\n" + "\n".join(wrong)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MAX_GROWTH_BYTES, f"{grown:,} bytes more than before"
    return outcomes


def both(outcomes: Counter[str]) -> bool:
    """Whether the corpus can tell right from wrong: some is refused, and some is accepted."""
    return {name.rpartition(": ")[2] for name in outcomes} == {"accepted", "refused"}


@size
def test_malformed_tables(is_all, folder, record_property):
    def one(number):
        case = malformed_table(number)
        return case.kind, check_table(case, folder)

    outcomes = try_all(numbers(N_TABLES, is_all), one)
    record_property("outcomes", dict(outcomes))
    assert both(outcomes)
    # What is only written otherwise is no reason to refuse a table.
    assert not outcomes["another dialect: refused"]


@size
def test_malformed_cards(is_all, folder, record_property):
    def one(number):
        kind, content = malformed_card(number)
        return kind, check_card(content, folder)

    outcomes = try_all(numbers(N_CARDS, is_all), one)
    record_property("outcomes", dict(outcomes))
    assert both(outcomes)


@size
def test_malformed_plans(is_all, folder, table, plan, record_property):
    def one(number):
        kind, content = malformed_plan(number, plan)
        return kind, check_plan_file(content, folder, table)

    outcomes = try_all(numbers(N_PLANS, is_all), one)
    record_property("outcomes", dict(outcomes))
    assert both(outcomes)


@size
def test_malformed_rows_for_a_served_model(is_all, served, record_property):
    model, rows, expected = served

    def one(number):
        case = malformed_rows(number, rows)
        return case.kind, check_served(model, case, expected)

    outcomes = try_all(numbers(N_ROWS, is_all), one)
    record_property("outcomes", dict(outcomes))
    assert both(outcomes)
    assert not outcomes["same values: refused"]


def test_there_are_more_than_a_thousand_cases():
    assert N_TABLES + N_CARDS + N_PLANS + N_ROWS >= 1_000
    assert sum(SAMPLES.values()) >= 150

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.identifiers import names_rows, tells
from realmix.tasks.core.table.infer_schema import infer_schema

N_ROWS = 400


def spread(seed: int = 0) -> pd.Series:
    """Distinct whole numbers with gaps, as salaries or order numbers are."""
    return pd.Series(np.sort(np.random.default_rng(seed).choice(200_000, N_ROWS, replace=False)))


def told(numbers: pd.Series, *, by: float) -> pd.Series:
    noise = np.random.default_rng(1).normal(size=len(numbers))
    signal = by * (numbers.rank() / len(numbers) - 0.5) * 6 + noise
    return pd.Series(np.where(signal > 0, "yes", "no"))


def kind_of(numbers: pd.Series, target: pd.Series, name: str) -> str:
    return infer_schema(pd.DataFrame({name: numbers.to_numpy(), "y": target.to_numpy()}), "y")[name].kind


@pytest.mark.parametrize("name", ["salary", "house_price_index", "customer_id"])
def test_rising_distinct_numbers_that_tell_the_target_are_a_quantity_whatever_their_name(name):
    numbers = spread()
    assert kind_of(numbers, told(numbers, by=1), name) == "numeric"
    shuffled = numbers.sample(frac=1, random_state=0)
    assert kind_of(shuffled, told(shuffled, by=1), name) == "numeric"


@pytest.mark.parametrize("name", ["order", "order_id"])
def test_rising_distinct_numbers_that_tell_nothing_name_rows(name):
    assert kind_of(spread(), told(spread(), by=0), name) == "identifier"


def test_a_row_counter_names_rows_even_where_the_table_is_sorted_by_its_target():
    counter = pd.Series(range(N_ROWS))
    assert names_rows(counter, pd.Series(np.repeat(["a", "b"], N_ROWS // 2)), is_called_so=False)


def test_distinct_numbers_in_any_order_and_of_any_name_are_a_quantity():
    shuffled = spread().sample(frac=1, random_state=0)
    assert kind_of(shuffled, told(shuffled, by=0), "salary") == "numeric"


def test_a_target_of_quantities_counts_as_evidence_too():
    numbers, noise = spread(), np.random.default_rng(2).normal(size=N_ROWS)
    assert tells(numbers, pd.Series(numbers.to_numpy() / 1e5 + noise))
    assert not tells(numbers, pd.Series(noise))


def test_numbers_that_tell_nothing_are_rarely_called_a_quantity():
    targets = [pd.Series(np.random.default_rng(seed).choice(["a", "b"], N_ROWS)) for seed in range(300)]
    assert sum(tells(spread(), target) for target in targets) <= 1

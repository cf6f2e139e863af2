from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.hints.turning_time import is_year
from tests.tasks.core.table.hints.tables import hints_of, honest, strong


def dated(n_rows: int = 1200, end: float = -1.0, seed: int = 0) -> pd.DataFrame:
    """A score whose effect goes from 1 to `end` within two years; rows in any order."""
    rng, table = np.random.default_rng(seed + 50), honest(seed, n_rows)
    day = rng.integers(0, 730, n_rows)
    effect = 1 + (end - 1) * day / 730
    left = np.where(effect * table["score"] + rng.normal(size=n_rows) * 0.7 > 0, "yes", "no")
    when = (pd.Timestamp("2023-01-01") + pd.to_timedelta(day, unit="D")).strftime("%Y-%m-%d")
    return table.assign(when=when, left=left)


@pytest.mark.parametrize("end", [-1.0, 0.0])
def test_a_signal_that_turns_or_fades_asks_for_a_split_in_time(end):
    assert strong(dated(end=end)) == [("time", ("when",))]
    (hint,) = hints_of(dated(end=end))
    assert "what 'score' tells of the target 'left' changes" in hint.sentence
    assert hint.answers[0] == "time: when"


def test_a_date_along_which_nothing_changes_is_pointed_out_and_stops_nothing():
    (hint,) = hints_of(dated(end=1.0))
    assert hint.kind == "time" and not hint.is_strong


def test_a_year_in_which_the_signal_turns_is_pointed_out_and_stops_nothing():
    table = dated()
    table["built"] = pd.to_datetime(table.pop("when")).dt.quarter + 2010
    table["left"] = np.where((table["score"] > 0) ^ (table["built"] > 2012), "yes", "no")
    assert [(hint.kind, hint.is_strong) for hint in hints_of(table) if hint.columns == ("built",)] == [
        ("time", False)
    ]


def test_a_year_is_known_by_its_range():
    year = Column("built", "numeric", "integer", minimum=1990.0, maximum=2024.0)
    assert is_year(year) and not is_year(Column("age", "numeric", "integer", minimum=18.0, maximum=90.0))

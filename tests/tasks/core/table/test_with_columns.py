"""Columns are set whatever they are called, and the table that was given stays as it is."""

from __future__ import annotations

import pandas as pd
import pytest

from realmix.tasks.core.table.with_columns import with_columns
from tests.redteam.malformed_tables import ODD_NAMES


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_set_and_the_table_that_was_given_stays(name):
    frame = pd.DataFrame({name: ["a", "b"], "second": ["c", "d"], "other": [1, 2]})
    made = with_columns(frame, {name: pd.Series([1.5, 2.5]), "new": "x"})
    assert made[name].tolist() == [1.5, 2.5] and list(made) == [name, "second", "other", "new"]
    assert frame[name].tolist() == ["a", "b"] and list(frame) == [name, "second", "other"]

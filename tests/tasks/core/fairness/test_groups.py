"""Groups are numbered, none is lost, and synthetic rows get the groups of the real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.fairness.groups import groupings


def test_every_row_is_in_one_group_of_every_grouping():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"sex": rng.choice(["f", "m", None], 300), "age": rng.normal(40, 10, 300), "one": ["same"] * 300}
    )
    rows.loc[:9, "age"] = np.nan
    found = groupings(rows)
    assert [each.name for each in found] == ["sex", "age", "sex × age"]
    assert all(each.sizes().sum() == 300 for each in found)
    assert found[1].labels[-1] == "age: missing" and found[1].sizes()[-1] == 10
    assert len(found[2].labels) == 3 * 5


def test_no_label_shows_a_value():
    rows = pd.DataFrame({"faith": ["zebra"] * 5 + ["yak"] * 3, "age": range(8)})
    text = " ".join(label for each in groupings(rows) for label in each.labels)
    assert "zebra" not in text and "yak" not in text
    assert groupings(rows)[0].sizes().tolist() == [5, 3], "the largest group is the first"


def test_groups_of_other_rows_are_those_of_the_reference():
    real = pd.DataFrame({"sex": ["f", "f", "m"] * 3, "age": np.arange(20.0, 65.0, 5.0)})
    synthetic = pd.DataFrame({"sex": ["m", "x"], "age": [90.0, 1.0]})
    by_sex, by_age = groupings(synthetic, reference=real, crossed=False)
    assert by_sex.codes.tolist() == [1, -1], "a level that no real row has is in no group"
    assert by_age.codes.tolist() == [3, 0]


def test_levels_beyond_the_largest_are_one_group_and_not_dropped():
    rows = pd.DataFrame({"village": [f"v{i}" for i in range(80) for _ in range(1 + (i < 10))]})
    (found,) = groupings(rows)
    assert len(found.labels) == 50 and found.sizes().sum() == len(rows)
    assert found.labels[-1] == "village: the other 31 groups"

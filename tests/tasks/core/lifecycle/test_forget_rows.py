"""A person's rows are found by the key as it is written, and what stays is said."""

from __future__ import annotations

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.entries import Forgotten
from realmix.tasks.core.lifecycle.forget_rows import (
    CANNOT_BE_UNLEARNED,
    forgotten_lines,
    person_column,
    rows_of_person,
)
from realmix.tasks.core.table.card import DataCard

ENTRY = {
    "by": "ana",
    "column": "patient",
    "n_keys": 1,
    "n_rows": 3,
    "snapshot": "0b",
    "snapshots": {"0a": "0b"},
    "files": {},
    "n_cached": 12,
    "studies": ["calls-0001"],
    "versions": ["1", "2"],
    "derived": [{"study": "calls-0001", "what": "pool of smote (fold-0-0)", "sha256": "0c"}],
    "left": ["incoming/a.csv holds the rows, as it was sent: remove them there."],
    "retraining": "realmix retrain calls.",
}


@pytest.mark.parametrize(
    ("cells", "key", "found"),
    [
        ([7, 70, 7], "7", [0, 2]),
        ([7.0, None, 70.0], "7", [0]),
        (["0007", "7", " 7 "], "7", [1, 2]),
        (["0007", "7"], "0007", [0]),
        (["nan", None, float("nan")], "nan", [0]),
        ([1.5, 15.0], "1.5", [0]),
        ([pd.Timestamp("2026-01-05"), pd.NaT], "2026-01-05 00:00:00", [0]),
        ([pd.NA, "a"], "a", [1]),
    ],
)
def test_a_key_is_found_as_it_is_written(cells, key, found):
    rows = pd.DataFrame({"id": pd.Series(cells, dtype=object)})
    assert rows_of_person(rows, "id", [key]).nonzero()[0].tolist() == found


def test_rows_without_the_column_are_nobodys():
    assert not rows_of_person(pd.DataFrame({"a": [1, 2]}), "id", ["1"]).any()


def test_a_person_is_the_group_of_the_card_else_the_key():
    assert person_column(DataCard(target="y", group="patient", key="visit")) == "patient"
    assert person_column(DataCard(target="y", key="visit")) == "visit"
    with pytest.raises(BadInput, match="neither `group` nor `key`"):
        person_column(DataCard(target="y"))


def test_the_lines_name_what_is_stale_and_what_cannot_be_unlearned():
    text = "\n".join(forgotten_lines(Forgotten.build(ENTRY), table="calls", digest="ff", made_at="2026"))
    assert "Removed 3 rows of 1 person (`patient`) from 'calls'" in text
    assert "proof: entry ff" in text and "pool of smote (fold-0-0) of calls-0001  0c" in text
    assert "versions 1, 2" in text and "incoming/a.csv" in text and "realmix retrain calls" in text
    assert all(line in text for line in CANNOT_BE_UNLEARNED)

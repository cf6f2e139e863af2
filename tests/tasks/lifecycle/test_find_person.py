"""Everything that a home keeps of a person is found, and what was given away is named."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.provenance.lineage import Lineage
from realmix.tasks.core.table.card import parse_card
from realmix.tasks.lifecycle.find_person import (
    Person,
    cells_of,
    copies_elsewhere,
    kept_files,
    lineages_of,
    snapshots_with,
)
from realmix.tasks.runtime.database import register_table, registered_table
from realmix.tasks.runtime.lineage_index import LINEAGE, keep_lineage
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import home
from tests.tasks.core.provenance.test_lineage import LINEAGE as STUDY

pytestmark = pytest.mark.usefixtures("own_home")
CARD = parse_card({"target": "y", "key": "id", "source": "calls.csv"})


def rows(*ids: int) -> pd.DataFrame:
    return pd.DataFrame({"id": ids, "y": ["no", "yes"] * (len(ids) // 2) + ["no"] * (len(ids) % 2)})


def stored(frame: pd.DataFrame) -> str:
    return take_snapshot(frame, home() / "snapshots", source={}).digest


@pytest.fixture
def calls() -> Registered:
    register_table("calls", CARD, stored(rows(1, 2, 3)))
    return registered_table("calls")


def person(table: Registered, key: str = "1") -> Person:
    return Person(table, "id", [key])


def made(folder: Path, snapshot: str, **changes) -> Path:
    """Leave the lineage of a study or a release in a folder and in the home's index."""
    folder.mkdir(parents=True)
    raw = {"digest": snapshot, "source": "calls.csv", "n_rows": 3}
    lineage = Lineage.build(STUDY.to_dict() | {"study": folder.name, "raw": raw} | changes)
    (folder / LINEAGE).write_text(json.dumps(lineage.to_dict()))
    keep_lineage(folder)
    return folder


def test_former_snapshots_are_found_and_those_of_other_tables_or_people_are_not(calls):
    former = stored(rows(1, 2))
    stored(rows(2, 3))
    stored(pd.DataFrame({"id": [1], "another": [2]}))
    assert set(snapshots_with(person(calls))) == {calls.snapshot, former}
    assert snapshots_with(person(calls, "4711")) == []


def test_a_release_is_named_wherever_it_lies_and_a_study_outside_of_the_home(calls, tmp_path):
    made(tmp_path / "elsewhere", calls.snapshot)
    made(home() / "studies" / "inside", calls.snapshot)
    given = made(tmp_path / "given", calls.snapshot, kind="release", split=None, pools=[], models={})
    left = copies_elsewhere(lineages_of("calls"))
    assert len(left) == 2
    assert "elsewhere/training.parquet" in left[0] and "'given' was drawn from a model" in left[1]
    given.rename(tmp_path / "moved")
    assert len(copies_elsewhere(lineages_of("calls"))) == 2, "who has the table keeps it"


def test_training_tables_of_the_home_are_searched(calls):
    folder = made(home() / "studies" / "any name", calls.snapshot)
    rows(1, 2).to_parquet(folder / "training.parquet")
    (found,) = kept_files("calls")
    assert found == folder / "training.parquet" and person(calls).among(cells_of(found, "id")).tolist() == [
        True,
        False,
    ]


def test_a_file_without_the_column_holds_nobody(calls, tmp_path):
    pd.DataFrame({"y": [1]}).to_parquet(tmp_path / "x.parquet")
    assert not person(calls).among(cells_of(tmp_path / "x.parquet", "id")).any()

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.sources.file import FileSource
from realmix.tasks.study.ingest import ingest
from realmix.tasks.study.read_table import hand_over, read_table, stored
from tests.tasks.shop_table import rows

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def request_of(tmp_path):
    """Requests for a study of a table's file."""

    def make(raw: pd.DataFrame, name: str = "customers.csv") -> StudyRequest:
        raw.to_csv(tmp_path / name, index=False)
        return StudyRequest(table=str(tmp_path / name), target="y", out=str(tmp_path / "out"))

    return make


def test_the_table_is_stored_as_it_was_read_with_what_was_detected(request_of, tmp_path):
    table = stored(read_table(request_of(rows(100)), tmp_path / "snapshots"))
    pd.testing.assert_frame_equal(table.snapshot.read(), rows(100))
    assert (table.name, table.card.target, table.schema.target) == ("customers", "y", "y")
    assert table.source["location"].endswith("customers.csv") and table.source["delimiter"] == "comma"
    assert len(list((tmp_path / "snapshots").glob("*.parquet"))) == 1


def test_the_same_rows_in_another_file_are_one_snapshot_and_other_rows_another(request_of, tmp_path):
    tables = [
        stored(read_table(request_of(raw, name), tmp_path / "snapshots"))
        for raw, name in ((rows(100), "a.csv"), (rows(100), "b.csv"), (rows(101), "c.csv"))
    ]
    digests = [table.snapshot.digest for table in tables]
    assert digests[0] == digests[1] != digests[2]
    assert tables[0].schema == tables[1].schema


def test_a_table_that_cannot_be_studied_is_refused(request_of):
    with pytest.raises(BadInput, match="30 rows"):
        ingest.fn(request_of(rows(30)))


def test_a_study_finds_its_snapshot_under_the_home(request_of, tmp_path):
    table = ingest.fn(request_of(rows(100)))
    assert (tmp_path / "home" / "snapshots" / f"{table.snapshot.digest}.parquet").exists()


def test_a_table_is_only_read_before_its_study_begins(request_of, tmp_path):
    table = read_table(request_of(rows(100)), tmp_path / "snapshots")
    assert not (tmp_path / "snapshots").exists() and not table.snapshot.taken_at


def test_what_was_checked_is_what_is_studied_also_where_the_source_has_changed(request_of, tmp_path):
    request = request_of(rows(100))
    hand_over(read_table(request, tmp_path / "home" / "snapshots"), request.out)
    request_of(rows(90))
    first, second = ingest.fn(request), ingest.fn(request)
    assert (first.snapshot.n_rows, second.snapshot.n_rows) == (100, 90)
    handed_on, copy = first.snapshot.read(), dataclasses.replace(first)
    first.snapshot.forget_rows()
    assert not copy.snapshot.in_memory
    pd.testing.assert_frame_equal(handed_on, copy.snapshot.read())


def test_the_bundled_table_needs_no_target(tmp_path):
    table = read_table(StudyRequest(table="bundled:bank_marketing?rows=300", out="o"), tmp_path)
    assert table.snapshot.n_rows == 300 and table.source
    assert table.card.target == table.schema.target == "y" and table.schema.positive == "yes"


def test_another_target_than_the_cards_forgets_its_classes(tmp_path):
    request = StudyRequest(table="bundled:bank_marketing?rows=300", target="housing", out="o")
    assert read_table(request, tmp_path).schema.target == "housing"


def with_code(n_rows: int) -> pd.DataFrame:
    """Rows with a code that tells the target, of which each value has many."""
    raw = rows(n_rows)
    number = np.random.default_rng(0).integers(0, 5, n_rows) + 5 * (raw["y"] == raw["y"].iloc[0])
    return raw.assign(code=number.map("C{}".format))


def test_a_table_that_leaves_a_strong_hint_open_is_refused(request_of):
    with pytest.raises(BadInput, match="'code' alone tells the target 'y'"):
        ingest.fn(request_of(with_code(300)))


def test_new_rows_of_a_registered_table_are_hinted_at_and_stop_no_retraining(monkeypatch, request_of, caplog):
    monkeypatch.setattr(FileSource, "describe", lambda self: {"kind": "registered", "location": "table:shop"})
    caplog.set_level("INFO", logger="realmix")
    table = ingest.fn(request_of(with_code(300)))
    assert [hint.columns for hint in table.hints if hint.is_strong] == [("code",)]
    assert any(line.startswith("hint: 'code' alone tells") for line in caplog.messages)


def test_what_is_set_apart_is_logged_with_its_reason(request_of, caplog):
    caplog.set_level("INFO", logger="realmix")
    ingest.fn(request_of(rows(100).assign(land="FI")))
    assert "set apart: 'land' (a constant: all filled cells hold one value)" in caplog.messages

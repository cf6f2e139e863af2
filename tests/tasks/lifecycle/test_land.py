"""What lands is seen once, whoever looks and whenever."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.lifecycle import land
from realmix.tasks.lifecycle.land import look
from realmix.tasks.runtime.database import batches
from tests.tasks.lifecycle.shop import drop, register, rows, run, seen

pytestmark = pytest.mark.usefixtures("place")

LOOK = """
import sys
from realmix.tasks.landing import folder
from realmix.tasks.lifecycle.land import look
folder.SETTLE_SECONDS = 0.3
look(sys.argv[1])
"""


def test_the_same_batch_twice_or_renamed_or_as_another_file_is_seen_once(place):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    look("shop")
    (place / "june.csv").rename(place / "july.csv")
    look("shop")
    rows(20, first=100).to_parquet(place / "june.parquet")
    look("shop")
    assert seen() == [("june.csv", "waiting")]


def test_the_file_the_table_was_registered_from_is_no_new_batch(place):
    register(place)
    drop(place, "first.csv", rows())
    assert look("shop") == [] and seen() == []


def test_two_watchers_at_once_see_a_batch_once(place):
    register(place)
    drop(place, "june.csv", rows(20, first=100))
    drop(place, "july.csv", rows(20, first=200))
    watchers = [run(LOOK, "shop") for _ in range(2)]
    assert [watcher.wait(timeout=60) for watcher in watchers] == [0, 0]
    look("shop")
    assert sorted(seen()) == [("july.csv", "waiting"), ("june.csv", "waiting")]


def test_a_table_without_a_landing_place_sees_nothing(place):
    register(place, operation={"landing": None})
    drop(place, "june.csv", rows(20, first=100))
    assert look("shop") == []


def test_two_watchers_of_a_database_take_each_row_once(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    monkeypatch.setenv("REALMIX_SQL_URL", url)
    engine = create_engine(url)
    rows(130).to_sql("visits", engine, index=False)
    register(tmp_path, operation={"landing": "sql:visits", "cursor": "id", "lag_seconds": 0})
    keep = land._keep

    def overtaken(landed: Landed, card: DataCard, folder: Path) -> tuple[str, str, int]:
        """Another watcher looks, and finds more, between reading and noting."""
        monkeypatch.setattr(land, "_keep", keep)
        rows(20, first=130).to_sql("visits", engine, index=False, if_exists="append")
        look("shop")
        return keep(landed, card, folder)

    monkeypatch.setattr(land, "_keep", overtaken)
    look("shop")
    engine.dispose()
    assert [batch.n_rows for batch in batches("shop")] == [50]

"""One process polls every table, and none of them can hold it up."""

from __future__ import annotations

import time
from threading import Event, Thread

import pytest

from realmix.flows import watcher
from realmix.flows.watcher import folders_of, watch_all
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.runtime.database import register_table, registered_tables, unregister_table


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Registers a table under a name with its landing place."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(watcher, "ROUND_SECONDS", 0.1)

    def register(name: str, landing: str | None, poll_seconds: float = 3600.0) -> None:
        operation = Operation(landing=landing, poll_seconds=poll_seconds, cursor="id")
        register_table(name, DataCard(source=f"table:{name}", target="y", operation=operation), "0" * 64)

    return register


@pytest.fixture
def watching():
    """Runs the watcher in a thread; what it polled, in order."""
    polled, stop, wrong = [], Event(), set()

    def poll(table: str) -> None:
        polled.append(table)
        if table in wrong:
            raise BadInput(f"The landing folder of {table} cannot be read.")

    thread = Thread(target=watch_all, args=(stop, poll))
    thread.start()
    yield polled, wrong
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive(), "a stop ends it within a round"


def wait_until(is_so, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_file_that_lands_is_looked_at_long_before_the_interval_ends(tables, watching, tmp_path):
    polled, _ = watching
    for name in ("calls", "shop"):
        (tmp_path / name).mkdir()
        tables(name, str(tmp_path / name))
    wait_until(lambda: sorted(polled) == ["calls", "shop"])
    time.sleep(0.5)
    assert len(polled) == 2, "nothing changed"
    # A change between two rounds is not seen by the kernel's watch, so it is made until it is.
    wait_until(lambda: (tmp_path / "calls" / "june.csv").write_text("x") and polled[2:3] == ["calls"])
    assert "shop" not in polled[2:]


def test_places_without_files_are_polled_at_their_interval(tables, watching, monkeypatch):
    polled, _ = watching
    tables("rows", "sql:rows", poll_seconds=5)
    tables("by-hand", None)
    wait_until(lambda: polled == ["rows"])
    wait_until(lambda: polled == ["rows", "rows"])
    unregister_table("rows")
    time.sleep(0.5)
    seen = len(polled)
    time.sleep(0.5)
    assert len(polled) == seen and "by-hand" not in polled


def test_one_bad_place_is_named_and_the_others_go_on(tables, watching, caplog):
    polled, wrong = watching
    wrong.add("bad")
    tables("bad", "/no/such/folder", poll_seconds=5)
    wait_until(lambda: polled == ["bad"])
    tables("good", "sql:good")
    wait_until(lambda: "good" in polled)
    assert "bad was not polled: The landing folder of bad cannot be read." in caplog.text


def test_only_folders_that_exist_are_watched(tables, tmp_path):
    (tmp_path / "landing").mkdir()
    for name, landing in {
        "a": str(tmp_path / "landing"),
        "b": str(tmp_path / "landing"),
        "c": str(tmp_path / "none"),
        "d": "s3://bucket/prefix",
        "e": "sql:calls",
    }.items():
        tables(name, landing)
    assert folders_of(registered_tables()) == {(tmp_path / "landing").resolve(): ["a", "b"]}

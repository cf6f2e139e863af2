"""New rows request one retraining, however often and by however many they are seen."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from realmix.flows import watch as module
from realmix.flows.watch import MAX_ATTEMPTS, watch
from realmix.tasks.landing import folder as landing
from realmix.tasks.runtime.database import record_decision, registered_table
from tests.tasks.lifecycle.shop import drop, register, rows, seen


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A registered table and its landing folder."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(landing, "SETTLE_SECONDS", 0.02)
    # The step itself: no server is asked.
    monkeypatch.setattr(module, "land", module.land.fn)
    folder = tmp_path / "incoming"
    folder.mkdir()
    register(folder)
    return folder


@pytest.fixture
def runs(monkeypatch):
    """Flow runs by idempotency key, as a Prefect server keeps them; all are pending until they are ended."""
    found: dict[str, SimpleNamespace] = {}

    def request(name, *, parameters, timeout, as_subflow, idempotency_key):
        assert (timeout, as_subflow) == (0, False), "the watcher waits for nothing"
        run = SimpleNamespace(id=f"run-{len(found) + 1}", name=name, parameters=parameters, state=None)
        return found.setdefault(idempotency_key, run)

    monkeypatch.setattr(module, "run_deployment", request)
    return found


def end(run):
    run.state = SimpleNamespace(is_final=lambda: True)


def test_rows_on_which_nothing_was_decided_yet_are_studied_without_any_batch(place, runs):
    assert watch.fn("shop") == "run-1" and seen() == []


def test_where_nothing_is_new_nothing_is_requested(place, runs):
    record_decision("shop", "retraining", {"level": "study"}, decided=registered_table("shop").snapshot)
    assert watch.fn("shop") is None and runs == {}


def test_a_batch_is_noted_and_one_retraining_of_its_table_is_requested(place, runs):
    drop(place, "june.csv", rows(20, first=100))
    first = watch.fn("shop")
    (run,) = runs.values()
    assert run.id == first and run.name == "retrain/shop"
    assert run.parameters == {"table": "shop", "why": "new data"}
    assert seen() == [("june.csv", "waiting")]


def test_a_second_look_at_the_same_rows_finds_the_run_that_was_requested(place, runs):
    drop(place, "june.csv", rows(20, first=100))
    assert watch.fn("shop") == watch.fn("shop")
    assert len(runs) == 1


def test_more_rows_are_another_request(place, runs):
    drop(place, "june.csv", rows(20, first=100))
    first = watch.fn("shop")
    drop(place, "july.csv", rows(20, first=200))
    assert watch.fn("shop") != first and len(runs) == 2


def test_a_retraining_that_ended_without_its_rows_is_requested_again_but_not_for_ever(place, runs, caplog):
    drop(place, "june.csv", rows(20, first=100))
    for attempt in range(MAX_ATTEMPTS):
        assert watch.fn("shop") == f"run-{attempt + 1}"
        end(list(runs.values())[-1])
    assert watch.fn("shop") is None and len(runs) == MAX_ATTEMPTS
    assert "shop" in caplog.text

"""One process at a time works on a table; the lease of a dead one expires, and one that lost it changes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from threading import Event, Thread

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import InternalError

from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime import leases
from realmix.tasks.runtime.database import decisions, record_decision, registered_names
from realmix.tasks.runtime.leases import table_lock
from realmix.tasks.runtime.state_connection import transaction
from realmix.tasks.runtime.state_tables import leases as stored

HOLD = """
import time
from realmix.tasks.runtime import leases
leases.LEASE_SECONDS, leases.HEARTBEAT_SECONDS = 2.0, 0.2
with leases.table_lock("bank"):
    print("held", flush=True)
    time.sleep(60)
"""
COUNT = """
from realmix.tasks.runtime import leases
from realmix.tasks.runtime.database import decisions, record_decision
leases.POLL_SECONDS = 0.1
for _ in range(6):
    with leases.table_lock("bank"):
        record_decision("bank", "retraining", {"number": len(decisions("bank"))})
"""


@pytest.fixture
def holder(state):
    """Another process that has the lease of 'bank'."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def rows() -> list[tuple[str, str]]:
    with transaction() as connection:
        return [(row.name, row.owner) for row in connection.execute(select(stored))]


def take_over(name: str) -> None:
    with transaction() as connection:
        connection.execute(update(stored).where(stored.c.name == name).values(owner="else/1/where"))


def test_a_lease_is_returned_also_after_an_error(state):
    with table_lock("bank"), table_lock("bank/promotion"):
        assert sorted(name for name, _ in rows()) == ["bank", "bank/promotion"]
    with pytest.raises(ZeroDivisionError), table_lock("bank"):
        1 / 0  # noqa: B018
    assert rows() == []


def test_a_living_process_keeps_its_lease_beyond_its_time_and_the_lease_of_a_killed_one_expires(
    holder, caplog, monkeypatch
):
    monkeypatch.setattr(leases, "POLL_SECONDS", 0.05)
    taken = Event()

    def wait_for_it() -> None:
        with table_lock("bank"):
            taken.set()

    with caplog.at_level("INFO", "realmix"):
        waiting = Thread(target=wait_for_it)
        waiting.start()
        assert not taken.wait(timeout=4), "it is renewed: this is twice its time"
        holder.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        assert taken.wait(timeout=20)
    waiting.join()
    assert 1 < time.monotonic() - killed < 10
    assert f"'bank' is in the hands of process {holder.pid} on" in caplog.text
    assert rows() == []


@pytest.mark.parametrize("error", [InternalError("renew", {}, Exception()), ZeroDivisionError()])
def test_a_renewal_that_fails_is_tried_again_whatever_went_wrong(monkeypatch, caplog, error):
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.01)
    stop, answers = Event(), [error, True]

    def renew(name: str, owner: str) -> bool:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        stop.set()
        return answer

    monkeypatch.setattr(leases, "_renew", renew)
    leases._renew_until(stop, "bank", "me")
    assert answers == [] and f"is not renewed yet: {type(error).__name__}" in caplog.text


def test_another_table_is_free_meanwhile(holder):
    with table_lock("shop"):
        record_decision("shop", "retraining", {})


def test_a_process_that_lost_its_lease_changes_nothing_more(state):
    with pytest.raises(RealmixError, match="Another process has taken over 'bank'"), table_lock("bank"):
        record_decision("bank", "retraining", {"by": "first"})
        take_over("bank")
        record_decision("bank", "retraining", {"by": "too late"})
    assert [entry.document for entry in decisions("bank")] == [{"by": "first"}]
    assert rows() == [("bank", "else/1/where")]


def test_a_lease_that_expired_unnoticed_is_still_ours(state, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", -1.0)
    with table_lock("bank"):
        record_decision("bank", "retraining", {})
    assert len(decisions("bank")) == 1


def test_processes_that_take_turns_lose_and_double_nothing(state):
    registered_names()
    counting = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(3)]
    assert [process.wait(timeout=200) for process in counting] == [0, 0, 0]
    assert [entry.document["number"] for entry in decisions("bank")] == list(range(18))
    assert rows() == []

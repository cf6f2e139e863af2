"""Two workers with homes of their own and one PostgreSQL, one of which is killed: nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from realmix.tasks.runtime import leases
from realmix.tasks.runtime.database import batches, decisions, record_decision, registered_table
from realmix.tasks.runtime.state_connection import TURN, transaction
from realmix.tasks.runtime.study_folder import stored_snapshot
from tests.tasks.lifecycle.shop import register, rows

# What homes of one table have in common; everything else is their own.
COMMON = ("snapshots", "tables", "studies")
N_FILES, N_ROWS = 9, 10
WORK = """
import sys, time
from pathlib import Path
from realmix.tasks.lifecycle.admit import admit_waiting
from realmix.tasks.lifecycle.land import look
from realmix.tasks.runtime import leases
from realmix.tasks.runtime.database import record_decision, registered_table
leases.LEASE_SECONDS, leases.HEARTBEAT_SECONDS, leases.POLL_SECONDS = 12.0, 0.5, 0.05
while not Path(sys.argv[2]).exists():
    look("shop")
    with leases.table_lock("shop"):
        admit_waiting("shop")
        table = registered_table("shop")
        if table.decided != table.snapshot:
            entry = {"by": sys.argv[1], "snapshot": table.snapshot}
            record_decision("shop", "retraining", entry, decided=table.snapshot)
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def team_url(real_postgresql) -> str:
    """A database of its own on the server."""
    url = f"postgresql+psycopg2://{real_postgresql}/postgres"
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE team"))
    return f"postgresql://{real_postgresql}/team"


@pytest.fixture
def team(team_url, tmp_path, monkeypatch) -> Path:
    """A folder with a landing folder and two homes; this process is in the second one."""
    (tmp_path / "landing").mkdir()
    for name in COMMON:
        (tmp_path / "common" / name).mkdir(parents=True)
        for home in ("one", "two"):
            (tmp_path / home).mkdir(exist_ok=True)
            (tmp_path / home / name).symlink_to(tmp_path / "common" / name)
    monkeypatch.setenv("REALMIX_STATE_URL", team_url)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "two"))
    return tmp_path


def work(team: Path, home: str) -> subprocess.Popen:
    named = os.environ | {"REALMIX_HOME": str(team / home)}
    with (team / f"{home}.log").open("w") as log:
        command = [sys.executable, "-c", WORK, home, str(team / "stop")]
        return subprocess.Popen(command, env=named, cwd=team, stdout=log, stderr=log)


def drop(team: Path, number: int) -> None:
    batch = rows(N_ROWS, first=100 + number * N_ROWS)
    batch.to_csv(team / "landing" / f"{number}.csv", index=False)
    (team / "landing" / f"{number}.csv._SUCCESS").touch()


def wait_until(is_so, team: Path) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, "".join(path.read_text() for path in team.glob("*.log"))[-3000:]
        time.sleep(0.1)


def owner(url: str) -> str:
    """Who has the lease, read beside all transactions of realmix."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT owner FROM leases WHERE name = 'shop'")
        found = cursor.fetchone()
    connection.close()
    return found[0] if found else ""


def kill_while_it_works(worker: subprocess.Popen, url: str, team: Path) -> str:
    """Kill a worker that has the lease at this moment, by SIGKILL; return its name in the lease."""

    def is_caught() -> bool:
        if f"/{worker.pid}/" not in owner(url):
            return False
        worker.send_signal(signal.SIGSTOP)
        if f"/{worker.pid}/" in owner(url):
            return True
        worker.send_signal(signal.SIGCONT)
        return False

    wait_until(is_caught, team)
    name = owner(url)
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    return name


def makers() -> list[str]:
    return [entry.document["by"] for entry in decisions("shop")]


def admitted() -> int:
    return len(batches("shop", "admitted"))


def test_two_workers_one_killed_by_kill_9_lose_and_double_nothing(team, team_url):
    register(team / "landing")
    first = registered_table("shop").snapshot
    workers = {home: work(team, home) for home in ("one", "two")}
    try:
        for number in range(N_FILES - 3):
            drop(team, number)
            wait_until(lambda number=number: admitted() > number, team)
        drop(team, N_FILES - 3)
        killed = kill_while_it_works(workers["one"], team_url, team)
        assert owner(team_url) == killed
        n_before = len(makers())
        drop(team, N_FILES - 2)
        drop(team, N_FILES - 1)
        wait_until(lambda: admitted() == N_FILES and len(makers()) > n_before, team)
        (team / "stop").touch()
        assert workers["two"].wait(timeout=60) == 0, (team / "two.log").read_text()
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
    table = registered_table("shop")
    ids = stored_snapshot(table.snapshot).read()["id"]
    assert sorted(ids) == list(range(100 + N_FILES * N_ROWS))
    assert sorted(batch.name for batch in batches("shop")) == [f"{number}.csv" for number in range(N_FILES)]
    assert {batch.status for batch in batches("shop")} == {"admitted"}
    decided = [entry.document["snapshot"] for entry in decisions("shop")]
    assert len(set(decided)) == len(decided) and first not in decided
    assert table.decided == table.snapshot == decided[-1]
    assert makers()[n_before:] == ["two"] * (len(decided) - n_before) and owner(team_url) == ""


def test_decisions_stay_whatever_postgresql_is_asked(team):
    record_decision("bank", "retraining", {"level": "skip"})
    for change in ("UPDATE decisions SET document = '{}'", "DELETE FROM decisions", "TRUNCATE decisions"):
        with pytest.raises(DatabaseError, match="a decision cannot be changed"), transaction() as state:
            state.execute(text(change))
    assert [entry.document for entry in decisions("bank")] == [{"level": "skip"}]


def test_a_lease_and_its_work_outlive_a_restart_of_postgresql(team, postgresql_cluster, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 3.0)
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.2)
    with leases.table_lock("bank"):
        postgresql_cluster.kill()
        restart = Timer(4, postgresql_cluster.start)
        restart.start()
        record_decision("bank", "retraining", {"level": "refit"})
        restart.join()
        time.sleep(1)
        record_decision("bank", "retraining", {"level": "study"})
    with leases.table_lock("bank"):
        assert [entry.document["level"] for entry in decisions("bank")][-2:] == ["refit", "study"]


def test_a_change_that_waits_for_its_turn_outlives_a_restart_of_postgresql(
    team, team_url, postgresql_cluster
):
    n_before = len(decisions("bank"))
    other = psycopg2.connect(team_url)
    with ThreadPoolExecutor() as threads, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])
        change = threads.submit(record_decision, "bank", "retraining", {"level": "refit"})
        wait_until(lambda: n_waiting(cursor) == 1, team)
        postgresql_cluster.kill()
        postgresql_cluster.start()
        change.result(timeout=60)
    assert len(decisions("bank")) == n_before + 1


def n_waiting(cursor) -> int:
    """Transactions that wait for their turn."""
    cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return int(cursor.fetchone()[0])

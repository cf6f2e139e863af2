"""Runs whose process is gone: none runs for ever, and what was asked for is done once."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys

import pytest

from realmix.flows.local.tied_process import MARK, RUN, RUNS
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.runtime.study_folder import home

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def client(prefect_server):
    from prefect.client.orchestration import get_client

    from realmix.flows.deployments import apply_deployments

    card = DataCard(
        source="table:mended", target="y", operation=Operation(landing="/landing", poll_seconds=60)
    )
    apply_deployments([Registered("mended", card, "2026-01-01T00:00:00+00:00", "0" * 64, None, None)])
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def make_run(client):
    """Makes runs of our deployments in a state; all are removed afterwards."""
    from prefect.states import State

    made = []

    def make(flow, kind, *, n_times=1):
        deployment = client.read_deployment_by_name(f"{flow}/mended")
        run = client.create_flow_run_from_deployment(deployment.id)
        made.append(run.id)
        for _ in range(n_times):
            client.set_flow_run_state(run.id, State(type="RUNNING"), force=True)
        client.set_flow_run_state(run.id, State(type=kind), force=True)
        return run.id

    yield make
    for run in made:
        client.delete_flow_run(run)


def state_of(client, run):
    found = client.read_flow_run(run)
    return found.state.type.value, found.state.name


@pytest.mark.parametrize(
    ("flow", "kind", "becomes"),
    [
        ("retrain", "RUNNING", ("SCHEDULED", "AwaitingRetry")),
        ("study", "RUNNING", ("SCHEDULED", "AwaitingRetry")),
        ("watch", "RUNNING", ("CRASHED", "Crashed")),
        ("retrain", "CANCELLING", ("CANCELLED", "Cancelled")),
        ("retrain", "PENDING", ("SCHEDULED", "AwaitingRetry")),
        ("retrain", "COMPLETED", ("COMPLETED", "Completed")),
    ],
)
def test_a_run_without_a_process_is_settled(client, make_run, flow, kind, becomes):
    from realmix.flows.local.lost_runs import settle_lost_runs

    run = make_run(flow, kind)
    lines = settle_lost_runs(datetime.datetime.now(datetime.UTC), is_shared=False)
    assert state_of(client, run) == becomes
    assert len(lines) == (kind != "COMPLETED")
    assert settle_lost_runs(datetime.datetime.now(datetime.UTC), is_shared=False) == []


def test_a_run_that_takes_its_process_down_again_and_again_is_given_up(client, make_run):
    from realmix.flows.local.lost_runs import MAX_TRIES, settle_lost_runs

    run = make_run("retrain", "RUNNING", n_times=MAX_TRIES)
    settle_lost_runs(datetime.datetime.now(datetime.UTC), is_shared=False)
    assert state_of(client, run)[0] == "CRASHED"


def test_a_run_that_the_worker_may_be_starting_is_left_alone(client, make_run):
    from realmix.flows.local.lost_runs import settle_lost_runs

    run = make_run("retrain", "PENDING")
    assert settle_lost_runs(NOW, is_shared=False) == []
    assert state_of(client, run)[0] == "PENDING"


def test_a_run_with_a_living_process_is_left_alone(client, make_run):
    from realmix.flows.local.lost_runs import settle_lost_runs

    run = make_run("retrain", "RUNNING")
    marked = {**os.environ, MARK: str(home()), RUN: str(run)}
    process = subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input()"], env=marked,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        process.stdout.readline()
        assert settle_lost_runs(datetime.datetime.now(datetime.UTC), is_shared=False) == []
        assert state_of(client, run)[0] == "RUNNING"
    finally:
        process.communicate(b"\n")


def test_on_a_shared_server_only_runs_of_this_home_are_settled(client, make_run):
    from realmix.flows.local.lost_runs import settle_lost_runs

    mine, other = make_run("retrain", "RUNNING"), make_run("retrain", "RUNNING")
    (home() / RUNS).mkdir(parents=True, exist_ok=True)
    notes = [home() / RUNS / str(mine), home() / RUNS / "00000000-0000-4000-8000-000000000009"]
    for note in notes:
        note.touch()
    settle_lost_runs(datetime.datetime.now(datetime.UTC), is_shared=True)
    assert state_of(client, mine)[1] == "AwaitingRetry"
    assert state_of(client, other)[0] == "RUNNING"
    assert not notes[1].exists()
    notes[0].unlink()


def test_on_a_shared_server_a_run_that_nobody_starts_is_settled(client, make_run, monkeypatch):
    """Its worker was killed before the run's process could leave a note."""
    from realmix.flows.local import lost_runs

    run = make_run("watch", "PENDING")
    assert lost_runs.settle_lost_runs(datetime.datetime.now(datetime.UTC), is_shared=True) == []
    assert state_of(client, run)[0] == "PENDING"
    monkeypatch.setattr(lost_runs, "PENDING_SECONDS", 0)
    assert len(lost_runs.settle_lost_runs(NOW, is_shared=True)) == 1
    assert state_of(client, run)[0] == "CRASHED"

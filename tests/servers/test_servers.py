"""A table looked after on real servers: PostgreSQL, S3, passwords, and a worker of `realmix up`."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from realmix.flows.local.child_process import marked_processes
from realmix.flows.local.tied_process import MARK
from realmix.tasks.sources import open_source
from tests.servers.conftest import process

# A client that asks whether a server is up again leaves the sockets of refused calls to the collector.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# A retraining of a 30 s study takes one minute where nothing else runs.
RETRAINING_SECONDS = 300
UNFINISHED = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")
CARD = """
source: bundled:bank_marketing?rows=600
target: y
operation: {{landing: {landing}, poll_seconds: 10, budget_seconds: 30}}
"""


@pytest.fixture(scope="module")
def up(servers, real_postgresql, tmp_path_factory):
    """`realmix up` with one registered table: its environment, landing folder and process."""
    folder = tmp_path_factory.mktemp("up")
    landing = folder / "landing"
    landing.mkdir()
    (folder / "card.yaml").write_text(CARD.format(landing=landing))
    named = servers | {
        "REALMIX_HOME": str(folder / "home"),
        "REALMIX_STATE_URL": f"postgresql://{real_postgresql}/realmix",
        "OMP_NUM_THREADS": "1",
    }
    realmix = [sys.executable, "-P", "-m", "realmix"]
    register = [*realmix, "register", str(folder / "card.yaml"), "--name", "bank"]
    subprocess.run(register, env=os.environ | named, cwd=folder, check=True, capture_output=True)
    with process([*realmix, "up"], named, folder) as started:
        wait_until(lambda: "Ready." in (folder / "log").read_text(), 180)
        yield named, landing, started, folder


def ask(named, path, body=None, *, user=None):
    """A page of a server, as JSON, with the password of its user."""
    base = named["PREFECT_API_URL"] if not path.startswith("/api/2.0") else named["MLFLOW_TRACKING_URI"]
    own = named["PREFECT_API_AUTH_STRING"]
    if path.startswith("/api/2.0"):
        own = f"{named['MLFLOW_TRACKING_USERNAME']}:{named['MLFLOW_TRACKING_PASSWORD']}"
    headers = {"Content-Type": "application/json"}
    headers["Authorization"] = "Basic " + base64.b64encode((user or own).encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(base + path, data, headers), timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def runs(named, flow, *states):
    """Runs of a flow in these states, through Prefect's public API."""
    wanted = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"state": {"type": {"any_": list(states)}}}}
    return ask(named, "/flow_runs/filter", wanted)


def versions(named):
    """Model versions of the table, through MLflow's public API."""
    return ask(named, "/api/2.0/mlflow/model-versions/search?filter=name%3D'bank'").get("model_versions", [])


def wait_until(is_so, seconds):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(1)


def drop_rows(landing, name):
    """Two hundred rows that are not in the table yet, and the marker that says the file is complete."""
    open_source("bundled:bank_marketing?rows=5000").load().tail(200).to_csv(landing / name, index=False)
    (landing / f"{name}._SUCCESS").touch()


@pytest.mark.parametrize("path", ["/flows/count", "/api/2.0/mlflow/experiments/get?experiment_id=0"])
def test_nobody_gets_in_with_a_wrong_password(servers, path):
    body = {} if path == "/flows/count" else None
    with pytest.raises(HTTPError) as refused:
        ask(servers, path, body, user="admin:guessed")
    assert refused.value.code == 401
    refused.value.close()
    ask(servers, path, body)


def test_the_watcher_leads_to_a_study_that_both_servers_show(up, real_s3):
    named = up[0]
    wait_until(lambda: runs(named, "retrain", "COMPLETED"), RETRAINING_SECONDS)
    asked = runs(named, "retrain", "COMPLETED")[0]
    assert asked["idempotency_key"] and asked["work_pool_name"] == "realmix"
    assert runs(named, "watch", "COMPLETED", "SCHEDULED") == [], "no flow run looks for rows"
    (version,) = versions(named)
    assert version["run_id"] and version["name"] == "bank"
    stored = real_s3[1].list_objects_v2(Bucket="mlflow")["Contents"]
    assert any(place["Key"].endswith("verdict.json") for place in stored)


def test_a_dropped_file_leads_to_one_more_retraining_without_a_command(up):
    named, landing, _, _ = up
    before = len(runs(named, "retrain", "COMPLETED"))
    drop_rows(landing, "june.csv")
    wait_until(lambda: len(runs(named, "retrain", "COMPLETED")) > before, RETRAINING_SECONDS)
    (asked,) = [run for run in runs(named, "retrain", "COMPLETED") if run["idempotency_key"]][:1]
    assert asked["parameters"]["why"] == "new data"
    assert runs(named, "retrain", "FAILED", "CRASHED") == []


def send_event(named, number):
    event = {
        "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "event": "realmix.data.arrived",
        "resource": {"prefect.resource.id": "realmix.table.bank"},
        "id": f"00000000-0000-4000-8000-{number:012}",
    }
    ask(named, "/events", [event])


def test_an_event_starts_a_look(up):
    named = up[0]
    send_event(named, 1)
    states = ("COMPLETED", "SCHEDULED", "PENDING", "RUNNING", "CANCELLED")
    wait_until(lambda: any(not run["auto_scheduled"] for run in runs(named, "watch", *states)), 30)


def test_a_killed_worker_is_started_again_and_works(up):
    named, _, started, folder = up
    worker = next(child for child in psutil.Process(started.pid).children() if "worker" in child.cmdline())
    # A look that is still under way holds the only slot, and the look asked for below would be cancelled.
    wait_until(lambda: not runs(named, "watch", *UNFINISHED), 120)
    n_done = len(runs(named, "watch", "COMPLETED"))
    worker.kill()
    wait_until(lambda: "The worker was restarted." in (folder / "log").read_text(), 30)
    send_event(named, 2)
    wait_until(lambda: len(runs(named, "watch", "COMPLETED")) > n_done, 120)


def test_a_killed_watcher_is_started_again_and_finds_what_landed_meanwhile(up):
    named, landing, started, folder = up
    watcher = next(
        p for p in psutil.Process(started.pid).children() if "realmix.flows.watcher" in p.cmdline()
    )
    watcher.kill()
    before = len(runs(named, "retrain", "COMPLETED"))
    rows = open_source("bundled:bank_marketing?rows=5000").load()[1000:1060]
    rows.to_csv(landing / "meanwhile.csv", index=False)
    wait_until(lambda: "The watcher was restarted." in (folder / "log").read_text(), 30)
    wait_until(lambda: len(runs(named, "retrain", "COMPLETED")) > before, RETRAINING_SECONDS)


def test_a_retraining_outlives_twenty_seconds_without_postgresql(up, postgresql_cluster):
    named, landing, _, _ = up
    wait_until(lambda: not runs(named, "retrain", *UNFINISHED), RETRAINING_SECONDS)
    done, before = ids(runs(named, "retrain", "COMPLETED")), len(versions(named))
    everything = open_source("bundled:bank_marketing?rows=5000").load()
    everything.head(200).assign(y="yes").to_csv(landing / "july.csv", index=False)
    (landing / "july.csv._SUCCESS").touch()
    wait_until(lambda: runs(named, "study", "RUNNING"), RETRAINING_SECONDS)
    (asked,) = runs(named, "retrain", "RUNNING")
    postgresql_cluster.kill()
    time.sleep(20)
    postgresql_cluster.start()
    wait_until(lambda: is_final(named, asked["id"]), RETRAINING_SECONDS)
    assert ids(runs(named, "retrain", "COMPLETED")) - done == {asked["id"]}
    assert runs(named, "retrain", "FAILED", "CRASHED", *UNFINISHED) == []
    assert len(versions(named)) == before + 1


def ids(found):
    return {run["id"] for run in found}


def is_final(named, run):
    """Whether a run has ended; a server whose database has just come back is asked again."""
    try:
        return ask(named, f"/flow_runs/{run}")["state_type"] not in UNFINISHED
    except OSError:
        return False


def test_nothing_is_left_when_up_is_killed_hard(up):
    named, _, started, _ = up
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    home = named["REALMIX_HOME"]
    wait_until(lambda: not any(found[MARK] == home for _, found in marked_processes()), 10)

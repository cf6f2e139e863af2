"""Kills of what `realmix up` runs, in the middle of a study that it started by itself."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from realmix.flows.local.child_process import marked_processes
from realmix.flows.local.tied_process import MARK
from tests.faults.conftest import PATIENCE_SECONDS, wait_until

# A client that asks whether a server is up again leaves the sockets of refused calls to the collector.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


# Prefect renews the lease of a run's slot every 225 seconds, longer than a study here: 3 seconds, and noted.
RENEWALS = """
import os, time
if "PREFECT__FLOW_RUN_ID" in os.environ:
    from prefect.concurrency import _leases
    _leases._RENEWAL_FRACTION = 0.01
    renew = _leases._renew_concurrency_lease_with_retries
    def noted(*arguments):
        done = renew(*arguments)
        with open(os.environ["RENEWALS"], "a") as file:
            file.write(f"{time.time()}\\n")
        return done
    _leases._renew_concurrency_lease_with_retries = noted
"""


@pytest.fixture
def home(make_home, tmp_path) -> Iterator:
    """A home whose `realmix up` is in the middle of its first study."""
    (tmp_path / "sitecustomize.py").write_text(RENEWALS)
    made = make_home(PYTHONPATH=str(tmp_path), RENEWALS=str(tmp_path / "renewals"))
    made.up = made.start("up", "--prefect-port", "0", "--mlflow-port", "0")
    wait_until(lambda: "Ready." in made.log(), PATIENCE_SECONDS, made.log)
    wait_until(lambda: is_studying(made), PATIENCE_SECONDS, made.log)
    yield made
    stopping = made.start("down")
    made.up.wait(timeout=60)
    stopping.wait(timeout=60)
    assert not any(found[MARK] == str(made.path) for _, found in marked_processes())


def is_studying(home) -> bool:
    """Some folds are done, others are not."""
    (study, *_) = [*(home.path / "studies").glob("calls-0001-*"), home.path]
    n_done = len(list(study.glob("work/fold-*/predictions-*.json")))
    return n_done > 0 and not (study / "verdict.json").exists()


def child(home, word: str) -> psutil.Process:
    return next(one for one in psutil.Process(home.up.pid).children() if word in " ".join(one.cmdline()))


def flow_runs(home, *states: str) -> list:
    found = json.loads((home.path / "up.json").read_text())
    body = json.dumps({"flow_runs": {"state": {"type": {"any_": list(states)}}}}).encode()
    login = base64.b64encode(found["login"]["PREFECT_API_AUTH_STRING"].encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    request = Request(f"{found['prefect_api_url']}/flow_runs/filter", body, headers)
    with urlopen(request, timeout=30) as answer:
        runs: list = json.loads(answer.read())
        return runs


def check_it_ended_well(home, undisturbed) -> None:
    """One study, one entry, one version, the same verdict, and no run shown as running for ever."""
    wait_until(lambda: bool(home.retrainings()), PATIENCE_SECONDS, home.log)
    wait_until(lambda: not flow_runs(home, "RUNNING", "CANCELLING", "PENDING"), 90, home.log)
    assert [entry["level"] for entry in home.retrainings()] == ["study"]
    assert home.retrainings()[0]["version"] == "1"
    assert home.verdict() == undisturbed(home.study() / "plan.json")


def test_a_killed_worker(home, undisturbed):
    child(home, "worker").kill()
    check_it_ended_well(home, undisturbed)


def test_a_killed_prefect_server(home, undisturbed):
    child(home, "prefect server").kill()
    killed_at = time.time()
    check_it_ended_well(home, undisturbed)
    # The run outlived renewals of its lease by the server that was started again, and is still its first try.
    renewals = [float(line) for line in Path(home.named["RENEWALS"]).read_text().split()]
    assert sum(moment > killed_at for moment in renewals) >= 2
    assert [run["run_count"] for run in flow_runs(home, "COMPLETED") if run["name"] == "retrain-calls"] == [1]


def test_a_killed_mlflow_server(home, undisturbed):
    child(home, "mlflow").kill()
    check_it_ended_well(home, undisturbed)

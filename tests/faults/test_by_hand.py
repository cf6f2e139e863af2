"""A retraining by hand that is killed, runs out of disk, or loses MLflow: the same verdict, nothing twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import wait_until
from tests.servers.conftest import free_port, process, wait_for

# A client that asks whether a server is up again leaves the sockets of refused calls to the collector.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def race_has_begun(home) -> bool:
    return home.log().count("] race ") >= 4


def test_a_retraining_that_is_killed_goes_on_to_the_same_verdict(make_home, undisturbed):
    home = make_home()
    started = home.start("retrain", "calls")
    wait_until(lambda: race_has_begun(home), 120, home.log)
    os.killpg(started.pid, signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert home.retrainings() == []
    again = home.run("retrain", "calls")
    assert again.returncode == 0, again.stderr
    assert "taken from the cache" in again.stderr
    assert [entry["level"] for entry in home.retrainings()] == ["study"]
    assert home.retrainings()[0]["version"] == "1"
    assert home.verdict() == undisturbed(home.study() / "plan.json")
    with sqlite3.connect(home.path / "prefect" / "prefect.db") as runs:
        states = runs.execute("select state_type, count(*) from flow_run group by 1 order by 1").fetchall()
    # The killed retraining with its study, and those that went on.
    assert states == [("COMPLETED", 2), ("CRASHED", 2)]


def test_a_retraining_ends_within_seconds_of_a_sigterm_to_its_group_and_the_next_one_goes_on(make_home):
    home = make_home()
    started = home.start("retrain", "calls")
    wait_until(lambda: race_has_begun(home), 120, home.log)
    os.killpg(started.pid, signal.SIGTERM)
    assert started.wait(timeout=10) == 130
    said = home.log().splitlines()
    assert [line for line in said if "interrupted" in line] == [said[-1]]
    assert "Traceback" not in home.log()
    assert home.retrainings() == []
    again = home.run("retrain", "calls")
    assert again.returncode == 0, again.stderr
    assert "taken from the cache" in again.stderr
    assert [entry["level"] for entry in home.retrainings()] == ["study"]


def servers_of(home) -> list[psutil.Process]:
    """Embedded Prefect servers that run in this home."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if "uvicorn" in one.cmdline() and one.cwd() == str(home.path / "prefect"):
                found.append(one)
    return found


def test_the_embedded_server_ends_with_a_command_that_is_killed(make_home):
    home = make_home()
    started = home.start("retrain", "calls")
    # Tied to its command from its first steps on, which a busy machine may delay: by then it has answered.
    wait_until(lambda: bool(servers_of(home)) and " calls: " in home.log(), 120, home.log)
    started.kill()
    started.wait()
    wait_until(lambda: not servers_of(home), 10)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own with 350 MiB."""
    place = Path(tempfile.mkdtemp(prefix="realmix-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=350m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        place.rmdir()
        pytest.skip("only root may mount the small disk that this test fills")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
    shutil.rmtree(place, ignore_errors=True)


def test_a_full_disk_is_said_in_one_sentence_and_costs_nothing_that_was_done(
    small_disk, make_home, undisturbed
):
    home = make_home(small_disk / "place")
    started = home.start("retrain", "calls")
    wait_until(lambda: race_has_begun(home), 120, home.log)
    # To the last byte, whatever the study writes meanwhile.
    with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
    assert started.wait(timeout=120) not in (0, None)
    last = home.log().splitlines()[-1]
    assert last.startswith("realmix: ") and ("no space is left" in last or "disk is full" in last), last
    assert "Traceback" not in home.log()
    (small_disk / "ballast").unlink()
    again = home.run("retrain", "calls")
    assert again.returncode == 0, again.stderr
    assert [entry["level"] for entry in home.retrainings()] == ["study"]
    assert home.verdict() == undisturbed(home.study() / "plan.json")


def test_a_study_survives_its_mlflow_server_which_is_told_afterwards(make_home, undisturbed, tmp_path):
    port = free_port()
    server = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", str(tmp_path / "files"),
    ]  # fmt: skip
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    home = make_home(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
    with process(server, settings, tmp_path) as mlflow:
        wait_for(f"http://127.0.0.1:{port}/health", tmp_path)
        started = home.start("retrain", "calls")
        wait_until(lambda: race_has_begun(home), 120, home.log)
        os.killpg(mlflow.pid, signal.SIGKILL)
        assert started.wait(timeout=180) == 0, home.log()
    (entry,) = home.retrainings()
    assert entry["run_id"] is None
    assert entry["judgement"]["promoted"] is False
    with process(server, settings, tmp_path):
        wait_for(f"http://127.0.0.1:{port}/health", tmp_path)
        told = home.run("sync")
        assert told.returncode == 0, told.stderr
        assert "1 studies were uploaded" in told.stdout
        assert "0 studies were uploaded" in home.run("sync").stdout
        assert "champion: version 1" in home.run("status").stdout
        assert home.verdict() == undisturbed(home.study() / "plan.json")


def test_mlflow_s_database_is_whole_or_not_there(tmp_path):
    environment = {
        **os.environ,
        "REALMIX_HOME": str(tmp_path),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }
    code = "from realmix.tasks.study.track import experiment_id; print(experiment_id('calls'))"
    command = [sys.executable, "-c", code]
    making = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(path.stat().st_size > 50_000 for path in tmp_path.glob(".*.db")), 60)
    making.kill()
    making.wait()
    assert not (tmp_path / "mlflow.db").exists()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "mlflow.db").exists()

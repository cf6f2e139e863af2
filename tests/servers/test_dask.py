"""A study decides the same on threads, on Dask clusters and after a worker was killed."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import cloudpickle
import distributed
import psutil
import pytest
from distributed import Client, LocalCluster
from prefect.settings import PREFECT_API_URL

from realmix.flows.engines import choose
from realmix.flows.engines.dask import LOCAL_CLUSTER, check_cluster, cluster_workers, reason_to_refuse
from realmix.flows.study import study
from realmix.tasks.core.errors import BadInput, FitTimedOut, WorkerDied
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.plan import Asked, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.synthesizers import SYNTHESIZERS

# Of Prefect's embedded server, and of a client that asks whether a server is up again.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType.*:UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROOT = Path(__file__).parents[2]
# What may differ between two runs of one plan: names, places and clocks.
PASSING = ("study", "seconds", "tracking")
# Of one task and what it is given, beside Prefect's own context, which is 50 to 70 KiB for any table.
MAX_TASK_BYTES = 16 * 1024


@pytest.fixture(scope="module")
def place(prefect_server, tmp_path_factory):
    """A folder with the plan that all studies replay."""
    folder = tmp_path_factory.mktemp("runners")
    plan = make_plan(
        TableShape(500, 400, 16, 2, "binary", 0.117),
        Costs(SYNTHESIZERS, MODELS),
        asked=Asked(("smote",), (1.0,), ("linear",)),
        available=["smote"],
        metric="log_loss",
        holdout=HoldoutRule(3, 0.2, ("age",)),
        budget_seconds=30,
        seed=0,
        n_workers=2,
    )
    plan = dataclasses.replace(plan, n_folds=2, n_repeats=1, n_trials=1, curve_repeats=1)
    (folder / "plan.json").write_text(json.dumps(plan.to_dict()))
    return folder


@pytest.fixture(scope="module")
def dask_cluster(place):
    """A cluster that somebody else started: two workers, reached by its address."""
    options = {**LOCAL_CLUSTER, "security": None, "n_workers": 2}
    with LocalCluster(**options) as cluster, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
        yield cluster


def run(place, name, *, runner="threads", address=None, storage=None):
    """Run the study with a home, and so a store, of its own: its folder and what it decided."""
    out = place / name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REALMIX_HOME", str(place / f"home-{name}"))
        patch.setattr(choose, "n_workers", lambda: 2)
        engine = choose.task_runner(runner, address, out, storage)
        request = StudyRequest(
            table="bundled:bank_marketing?rows=500",
            out=str(out),
            plan=str(place / "plan.json"),
            storage=storage,
        )
        document = study.with_options(task_runner=engine)(request)
    race = {key: value for key, value in document["race"].items() if "seconds" not in key}
    kept = {key: value for key, value in document.items() if key not in PASSING}
    return out, json.dumps(kept | {"race": race}, sort_keys=True)


@pytest.fixture(scope="module")
def on_threads(place):
    return run(place, "threads")


def assert_same(found, expected):
    assert found[1] == expected[1]
    for name in ("training.parquet", "work/folds.npz"):
        assert (found[0] / name).read_bytes() == (expected[0] / name).read_bytes()


def test_a_cluster_of_two_workers_decides_what_threads_decide(place, on_threads, monkeypatch):
    sizes = []
    submit = distributed.Client.submit

    def weigh(self, *args, **kwargs):
        given = {name: value for name, value in kwargs.items() if name != "context"}
        sizes.append(len(cloudpickle.dumps((args, given))))
        return submit(self, *args, **kwargs)

    monkeypatch.setattr(distributed.Client, "submit", weigh)
    assert_same(run(place, "local", runner="dask"), on_threads)
    assert len(sizes) > 20
    assert max(sizes) < MAX_TASK_BYTES, "a table, or something as large, travels in the graph"


def test_a_given_cluster_decides_the_same_and_serves_a_second_study_whose_worker_is_killed(
    place, on_threads, dask_cluster
):
    address = dask_cluster.scheduler_address
    assert_same(run(place, "given", runner="dask", address=address), on_threads)
    with Client(dask_cluster, set_as_default=False) as client:
        before = set(client.run(os.getpid).values())
        killer = threading.Thread(target=kill_a_busy_worker, args=(client, place / "killed"))
        killer.start()
        assert_same(run(place, "killed", runner="dask", address=address), on_threads)
        killer.join()
        client.wait_for_workers(2, timeout=30)
        assert len(before - set(client.run(os.getpid).values())) == 1


def kill_a_busy_worker(client, out):
    """End the process of a Dask worker that has work, once the first results of the race are there."""
    pids = client.run(os.getpid)
    while not list(out.glob("work/fold-*/predictions-*.npy")):
        time.sleep(0.05)
    while not (busy := [worker for worker, keys in client.processing().items() if keys]):
        time.sleep(0.01)
    os.kill(pids[busy[0]], signal.SIGKILL)


@pytest.fixture
def workers_elsewhere(place, real_s3, tmp_path, monkeypatch):
    """A cluster whose two workers see none of the studies' folders, as on other machines.

    Its address, and the folder below which its workers keep their files.
    """
    for name, value in real_s3[0].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
    hide = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {place} && exec "$@"', "sh"]
    if subprocess.run([*hide, "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount, so no worker can be kept from seeing a folder")
    real_s3[1].create_bucket(Bucket="studies")
    with (
        LocalCluster(**{**LOCAL_CLUSTER, "security": None, "n_workers": 0}) as cluster,
        ExitStack() as started,
    ):
        for number in range(2):
            own = tmp_path / f"worker-{number}"
            own.mkdir()
            named = {"REALMIX_HOME": str(own / "home")}
            command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
            options = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(own / "local")]
            worker = subprocess.Popen(
                [*hide, *command, *options], env=os.environ | named, cwd=own, stderr=subprocess.DEVNULL
            )
            started.callback(worker.wait)
            started.callback(worker.terminate)
        yield cluster.scheduler_address, tmp_path


def test_workers_without_the_folder_decide_the_same_through_an_object_store(
    place, on_threads, workers_elsewhere, real_s3
):
    address, of_workers = workers_elsewhere
    with pytest.raises(BadInput, match="does not see the folder of --out, or what --storage names"):
        run(place, "unseen", runner="dask", address=address)
    seen, files, ended = set(), set(), threading.Event()

    def look():
        while not ended.wait(0.2):
            listed = real_s3[1].list_objects_v2(Bucket="studies").get("Contents", [])
            for key in {about["Key"] for about in listed if "/." not in about["Key"]} - seen:
                with suppress(real_s3[1].exceptions.NoSuchKey):
                    archive = real_s3[1].get_object(Bucket="studies", Key=key)["Body"].read()
                    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                        files.update(tar.getnames()[1:])
                    seen.add(key)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        found = run(place, "elsewhere", runner="dask", address=address, storage="s3://studies/for/realmix")
    finally:
        ended.set()
        looking.join()
    assert_same(found, on_threads)
    names = ("training.parquet", "model/MLmodel", "work/pools.json", "validation")
    assert all((found[0] / name).exists() for name in names)
    keys = {key.split("/", 3)[-1] for key in seen}
    assert {
        "rows",
        "fold-0-0/rows",
        "fold-0-0/teacher",
        "fold-0-0/pool-smote",
        "fold-0-0/train-smote",
    } <= keys
    assert {"work/development.parquet", "work/fold-0-0/training.npy", "work/fold-0-0/smote.parquet"} <= files
    assert not [name for name in files if name.endswith(".pickle")]
    # For the final fit on all rows alone; that no fold gets it is in tests/tasks/runtime/test_shared_storage.py.
    assert {key for key in keys if "holdout" in key} <= {"holdout.parquet"}
    assert real_s3[1].list_objects_v2(Bucket="studies")["KeyCount"] == 0
    assert list(of_workers.glob("worker-*/local/**/realmix")), "this is where workers keep copies"
    assert not list(of_workers.glob("worker-*/local/**/training.parquet")), "rows of a study that has ended"


def test_a_fit_on_a_cluster_has_one_thread_a_hard_limit_and_a_process_of_its_own(dask_cluster, tmp_path):
    with Client(dask_cluster, set_as_default=False) as client, cluster_workers(client, tmp_path / "log"):
        client.wait_for_workers(2, timeout=30)
        workers = set(client.run(os.getpid).values())
        fit = current_workers().run("realmix.tasks.runtime.worker_process:ping")
        assert fit["threads"] == 1
        assert fit["pid"] not in workers
        with pytest.raises(FitTimedOut):
            current_workers().run("signal:pause", timeout_seconds=0.5)
        with pytest.raises(WorkerDied):
            current_workers().run("os:_exit", status=3)
        assert set(client.run(os.getpid).values()) == workers


def test_a_local_cluster_listens_on_loopback_only(monkeypatch):
    monkeypatch.setattr(choose, "n_workers", lambda: 1)
    with choose.task_runner("dask", None, Path("unused")) as engine:
        address = engine.client.scheduler.address
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [c.laddr.ip for p in processes for c in p.net_connections() if c.status == "LISTEN"]
    assert address.startswith("tls://127.0.0.1:")
    assert set(listening) == {"127.0.0.1"}


def test_what_a_worker_lacks_is_said_in_a_sentence():
    here = {"versions": {"numpy": "2.4"}, "sees_marker": True, "reaches_server": True}
    assert "share" in reason_to_refuse(here | {"sees_marker": False}, here)
    assert "PREFECT_API_URL" in reason_to_refuse(here | {"reaches_server": False}, here)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "ftp://127.0.0.1:1"])
def test_an_address_where_no_scheduler_answers_is_refused(address, tmp_path):
    before = open_clients()
    with pytest.raises(BadInput, match="Check --address"):
        check_cluster(address, tmp_path / "out")
    assert not list(tmp_path.iterdir())
    assert open_clients() == before


def open_clients():
    """Clients of Dask that would have to be closed when they are collected."""
    return [id(found) for found in gc.get_objects() if isinstance(found, Client) and found.status != "closed"]


def realmix(tmp_path, *arguments):
    env = {**os.environ, "REALMIX_HOME": str(tmp_path / "home")}
    for name in ("PREFECT_HOME", "PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
        env.pop(name, None)
    command = [
        sys.executable,
        "-m",
        "realmix",
        "run",
        "bundled:bank_marketing?rows=500",
        *arguments,
    ]
    return subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)


def test_a_wrong_address_is_one_sentence_on_the_terminal_and_leaves_nothing(tmp_path):
    process = realmix(tmp_path, "--runner", "dask", "--address", "tcp://127.0.0.1:1")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2, said
    # After what was read of the table.
    *before, last = said.strip().splitlines()
    assert last.startswith("realmix: No Dask scheduler answers at tcp://127.0.0.1:1")
    assert all(line.startswith("[") for line in before), said
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_a_local_cluster_and_its_fits(place, tmp_path):
    process = realmix(tmp_path, "--runner", "dask", "--plan", str(place / "plan.json"), "--out", "out")
    children = wait_for_fits(psutil.Process(process.pid))
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - started < 5
    assert process.returncode == 130
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive


def wait_for_fits(parent):
    """All descendants of a process, once a Dask worker among them has opened its fit process."""
    while parent.is_running():
        children = parent.children(recursive=True)
        if any("realmix.tasks.runtime.worker_process" in " ".join(child.cmdline()) for child in children):
            return children
        time.sleep(0.1)
    raise AssertionError("it ended before a fit began")

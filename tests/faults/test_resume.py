"""Each thing once: a study killed and started again, run twice, with one more synthesizer, damaged."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.fits import cached
from realmix.tasks.runtime import cache
from realmix.tasks.runtime.cache import DATABASE
from tests.flows.test_study import decided

# Of Prefect's embedded server, and of a client that asks whether a server is up again.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType.*:UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
REALMIX = [sys.executable, "-m", "realmix", "run", "bundled:bank_marketing?rows=300"]
OPTIONS = ["--ratios", "1", "--models", "linear", "--budget", "30s", "--synthesizers"]
TWO, THREE = ("smote", "neighbour-swap"), ("smote", "neighbour-swap", "sequential-trees")
ROOT = Path(__file__).parents[2]
# Lines of progress after which the study is killed: some fits are filed, others under way or to come.
LINES_BEFORE_THE_KILL = 4


def start(home, out):
    """The command in a process group of its own, on the tests' Prefect server."""
    from prefect.settings import PREFECT_API_URL

    environment = {
        "REALMIX_HOME": str(home),
        "PREFECT_API_URL": PREFECT_API_URL.value(),
    }
    return subprocess.Popen(
        [*REALMIX, *OPTIONS, *TWO, "--out", str(out)],
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run(home, out, **changes):
    """The same study in this process: its verdict, and the fits that were run for it."""
    from realmix.flows.study import study
    from realmix.tasks.core.table.request import StudyRequest

    asked = {
        "table": "bundled:bank_marketing?rows=300",
        "ratios": (1.0,),
        "models": ("linear",),
        "budget_seconds": 30,
        "synthesizers": TWO,
        "out": str(out),
    }
    ran = []
    with pytest.MonkeyPatch.context() as patch:
        in_worker = cached._run

        def recorded(function, place, **arguments):
            ran.append((function, place.name, arguments))
            return in_worker(function, place, **arguments)

        patch.setattr(cached, "_run", recorded)
        patch.setenv("REALMIX_HOME", str(home))
        if "plan" in changes:  # which decides everything: how many workers there are must not matter
            patch.setattr("realmix.flows.engines.choose.n_workers", lambda: 1)
        return study(StudyRequest(**{**asked, **changes})), ran


def entries(home):
    """What lies under each key: one that was computed again took other seconds."""
    with closing(sqlite3.connect(home / "store" / DATABASE)) as database:
        return dict(database.execute("SELECT key, packed FROM entries"))


@pytest.fixture(scope="module")
def killed(prefect_server, workspace):
    """A study whose whole process group was ended by SIGKILL in the race; what its store held then."""
    home, out = workspace / "home-killed", workspace / "runs" / "killed"
    study, seen = start(home, out), 0
    for line in study.stderr:
        seen += "] race " in line
        if seen == LINES_BEFORE_THE_KILL:
            os.killpg(study.pid, signal.SIGKILL)
            break
    assert study.wait(timeout=60) == -signal.SIGKILL
    study.communicate()
    assert not (out / "verdict.json").exists()
    return home, out, entries(home)


@pytest.fixture(scope="module")
def resumed(killed):
    home, out, _ = killed
    return run(home, out)


@pytest.fixture(scope="module")
def undisturbed(resumed, killed, workspace):
    """The plan of the killed study in a home where nothing was computed before."""
    return run(
        workspace / "home-undisturbed", workspace / "runs" / "undisturbed", plan=str(killed[1] / "plan.json")
    )


def test_a_killed_study_goes_on_to_the_same_verdict(killed, resumed, undisturbed):
    home, _, before = killed
    document, ran = resumed
    assert decided(document) == decided(undisturbed[0])
    assert 0 < len(ran) < len(undisturbed[1])
    assert len(before) > LINES_BEFORE_THE_KILL
    assert before.items() <= entries(home).items(), "something was computed twice"


def test_the_same_study_again_ends_at_once_with_all_its_results(resumed, killed, workspace):
    home, first, _ = killed
    again = workspace / "runs" / "again"
    for out in (again, first):
        study = start(home, out)
        said, progress = study.communicate(timeout=100)
        assert study.returncode == 0, progress
        assert "nothing changed since the study 'killed'" in progress and "race" not in progress
        assert said.startswith("\nVerdict: ")
    assert (again / "verdict.json").read_bytes() == (first / "verdict.json").read_bytes()
    listed = json.loads((again / "manifest.json").read_text())["sha256"]
    for name, digest in listed.items():
        assert cached.file_digest(again / name) == digest, name
    assert {"model/MLmodel", "report.html", "training.parquet"} <= listed.keys()


def in_folds(ran):
    """Each pool and each arm that was computed in a fold, one by one."""
    pools, arms = [], []
    for function, place, arguments in ran:
        if place.startswith("fold-") and function == cached.POOL:
            pools.append((place, arguments["synthesizer"]))
        if place.startswith("fold-") and function == cached.ARMS:
            arms += [(place, Arm.from_dict(arm)) for arm in arguments["arms"]]
    return pools, arms


def test_one_more_synthesizer_costs_no_fit_of_before(resumed, undisturbed, killed, workspace):
    home, out = killed[0], workspace / "runs" / "one-more"
    document, ran = run(home, out, synthesizers=THREE)
    (pools, arms), (pools_before, arms_before) = in_folds(ran), in_folds(undisturbed[1])
    new = [arm for arm in arms if arm[1].mix.synthesizer == "sequential-trees"]
    # Beside a new rival another arm may stay in the race for longer.
    assert len(new) > len(arms) / 2 and "sequential-trees" in {synthesizer for _, synthesizer in pools}
    assert len(arms_before) > len(new)
    assert not set(pools) & set(pools_before) and not set(arms) & set(arms_before)
    assert cached.TEACHER not in [function for function, place, _ in ran if place.startswith("fold-")]
    fresh, _ = run(workspace / "home-one-more", workspace / "runs" / "fresh", plan=str(out / "plan.json"))
    assert decided(document) == decided(fresh)


def test_damaged_results_are_computed_again_and_nothing_else(resumed, killed, workspace):
    home = killed[0]
    with closing(sqlite3.connect(home / "store" / DATABASE)) as database, database:
        archives = {key: cache._decompress(n_bytes, packed)
                    for key, n_bytes, packed in database.execute("SELECT key, n_bytes, packed FROM entries")}  # fmt: skip
        pool, arm = (next(key for key, archive in archives.items() if name in names(archive))
                     for name in ("smote.parquet", cached.PREDICTIONS))  # fmt: skip
        content = bytearray(archives[pool])
        content[content.index(b"PAR1") + 100] ^= 1
        changed = "UPDATE entries SET packed = ? WHERE key = ?"
        database.execute(changed, (cache._compress(bytes(content)), pool))
        database.execute(changed, (cache._compress(archives[arm])[:-9], arm))
    document, ran = run(home, workspace / "runs" / "damaged")
    assert decided(document) == decided(resumed[0])
    assert sorted(function for function, _, _ in ran) == sorted([cached.POOL, cached.ARMS])
    assert [len(arguments["arms"]) for function, _, arguments in ran if function == cached.ARMS] == [1]


def names(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()

"""The preview as a user meets it: in a process of its own, with nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PREVIEW = [sys.executable, "-m", "realmix", "preview"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def places(tmp_path):
    """An empty folder to stand in, and one for temporary files."""
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    return here, temporary


def start(places, *arguments, **environment):
    here, temporary = places
    env = {**os.environ, "TMPDIR": str(temporary), **environment}
    for name in ("REALMIX_HOME", "PREFECT_HOME", "PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
        if name not in environment:
            env.pop(name, None)
    return subprocess.Popen(
        [*PREVIEW, *map(str, arguments)],
        cwd=here, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # Tests that a shell started in the background would hand on that Ctrl-C is to be ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def left_behind(places):
    return [path for place in places for path in place.rglob("*")]


def test_the_bundled_table_gets_an_answer_and_nothing_is_left_behind(places):
    process = start(places, "bundled:bank_marketing?rows=600")
    said, progress = process.communicate(timeout=200)
    assert process.returncode == 0, progress
    lines = said.splitlines()
    assert lines[0].startswith("table: bank_marketing, 600 rows, 16 features, binary on 'y'")
    for word in (
        "baseline: log_loss",
        "noise:",
        "smallest provable gain:",
        "distillation:",
        "decision-tree:",
    ):
        assert any(line.startswith(word) for line in lines), word
    assert sum(line.startswith(("neighbour swap rows", "sequential trees rows")) for line in lines) == 2
    assert any(line.startswith("chance that any mix is proven at this size:") for line in lines)
    assert lines[-1].startswith(("Worth a study:", "Hardly:"))
    assert left_behind(places) == []
    assert "Warning" not in progress
    assert "a study has 4 min unless --budget says otherwise: at 90 s only" in progress


def test_noise_is_not_worth_a_study_and_the_same_seed_says_the_same(places):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"age": rng.normal(size=300), "height": rng.normal(size=300), "y": rng.normal(size=300)}
    )
    path = places[0].parent / "noise.csv"
    table.to_csv(path, index=False)
    twins = [start(places, path, "--target", "y", "--seed", "3") for _ in range(2)]
    said = [process.communicate(timeout=200)[0] for process in twins]
    assert said[0] == said[1]
    assert said[0].splitlines()[-1].startswith("Hardly:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.csv", "--target", "y"], ["nowhere.csv"]),
        (["bundled:bank_marketing?rows=600", "--target", "yy"], ["yy"]),
        (["bundled:bank_marketing?rows=600", "--metric", "auc"], ["auc", "roc_auc"]),
        (["bundled:bank_marketing?rows=600", "--metric", "rmse"], ["rmse", "log_loss"]),
        (["bundled:bank_marketing?rows=600", "--seed", "-1"], ["seed"]),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_two(places, arguments, words):
    process = start(places, *arguments)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert said.startswith("realmix: ")
    assert len(said.strip().splitlines()) == 1
    assert all(word in said for word in words)
    assert left_behind(places) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ended_early_it_leaves_no_row_and_no_process(places, how):
    import psutil

    process = start(places, "bundled:bank_marketing?rows=20000")
    deadline = time.monotonic() + 60
    children: list[psutil.Process] = []
    while not children and time.monotonic() < deadline:
        time.sleep(0.2)
        children = psutil.Process(process.pid).children()
    time.sleep(0.5)  # somewhere within the fits
    process.send_signal(how)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert left_behind(places) == []
    _, left = psutil.wait_procs(children, timeout=5)
    assert not [child for child in left if child.is_running() and child.status() != "zombie"]

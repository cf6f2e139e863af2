"""Seconds of a study, of the same again, of one killed and started again, and with one more synthesizer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
TABLE = "bundled:bank_marketing?rows=2000"
# Ratio and learners are named so that the budget leaves them alone.
OPTIONS = ("--budget", "4m", "--ratios", "0.5", "1", "--models", "xgboost", "linear")
FIRST = ("gaussian-copula", "smote")
ONE_MORE = (*FIRST, "sequential-trees")
# Where a study is killed: about half of its race is run.
KILL_AT_PCT = 50


def measure(n_repeats: int) -> pd.DataFrame:
    """Time the four ways to run a study again, each in a process of its own.

    Parameters
    ----------
    n_repeats : int
        Each repeat starts with an empty home.

    Returns
    -------
    DataFrame of shape (5 * n_repeats, 2)
        ``run`` ("first", "second", "one more synthesizer", "until killed", "resumed") and its wall
        ``seconds``, start of the process included.
    """
    rows = []
    for _ in range(n_repeats):
        with tempfile.TemporaryDirectory() as place:
            home, other = Path(place) / "home", Path(place) / "other-home"
            rows += [
                ("first", timed(home, FIRST)),
                ("second", timed(home, FIRST)),
                ("one more synthesizer", timed(home, ONE_MORE)),
                ("until killed", timed(other, FIRST, kill_at_pct=KILL_AT_PCT)),
                ("resumed", timed(other, FIRST)),
            ]
    return pd.DataFrame(rows, columns=["run", "seconds"])


def timed(home: Path, synthesizers: tuple[str, ...], *, kill_at_pct: int | None = None) -> float:
    """Wall seconds of one study; with `kill_at_pct` until its process group is ended in the race."""
    home.mkdir(exist_ok=True)
    out = tempfile.mkdtemp(dir=home.parent)
    given = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))
    }
    started = time.perf_counter()
    study = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "realmix",
            "run",
            TABLE,
            *OPTIONS,
            "--synthesizers",
            *synthesizers,
            "--out",
            out,
        ],
        env={**given, "REALMIX_HOME": str(home)},
        cwd=home.parent,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    for line in study.stderr or ():
        if kill_at_pct is not None and race_pct(line) >= kill_at_pct:
            os.killpg(study.pid, signal.SIGKILL)
            break
    ended = study.wait()
    if ended != (0 if kill_at_pct is None else -signal.SIGKILL):
        raise RuntimeError(f"A study of {TABLE} ended with exit code {ended}: run it by hand to see why.")
    return time.perf_counter() - started


def race_pct(line: str) -> float:
    """How far the race is, from a line of progress; 0 where the line tells of something else.

    Examples
    --------
    >>> race_pct("[   40 s] race  53 % · smote on fold-0-1"), race_pct("[   39 s] race ...")
    (53.0, 0.0)
    """
    words = line.split()
    return float(words[words.index("race") + 1]) if "race" in words and "%" in words else 0.0


if __name__ == "__main__":
    print(measure(1).to_string(index=False))

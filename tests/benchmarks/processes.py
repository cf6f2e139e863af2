"""Whole processes under a stop-watch: studies, each in a home of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Where others would lead a study away from its own home.
FOREIGN = ("PREFECT_API_URL", "PREFECT_HOME", "MLFLOW_TRACKING_URI", "REALMIX_SQL_URL")
ALL_STEPS = "REALMIX_BENCH_ALL_STEPS"  # see tests.benchmarks.traced
# The process and its workers find it; neither looks in the current folder.
TRACED = {"PYTHONPATH": str(ROOT)}
PROBE = "realmix.tasks.fits.machine_speed:probe"
# The line with which a study says that a stage begins.
STAGE_LINE = re.compile(r"^\[ *\d+ s\] ([a-z][a-z ]*) \.\.\.$")


@dataclass(frozen=True)
class Study:
    """A finished study and what it took.

    Attributes
    ----------
    seconds : float
        Wall, from the start of the process to its end.
    out : Path
        Folder of the results.
    document : dict
        ``verdict.json``.
    trace : dict
        See :class:`tests.benchmarks.traced.Trace`.
    began : dict
        When each stage began, in seconds since the start of the process.
    """

    seconds: float
    out: Path
    document: dict[str, Any]
    trace: dict[str, Any]
    began: dict[str, float]

    @property
    def tracking_seconds(self) -> float:
        """From where MLflow is told of the study to the end of the process, Prefect's end included."""
        return self.seconds - self.began["track"]

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Wall seconds of each stage, what comes before the first as "start"; the last ends with the process."""
        begun = {"start": 0.0, **self.began}
        ends = [*list(begun.values())[1:], self.seconds]
        return {name: end - at for (name, at), end in zip(begun.items(), ends, strict=True)}

    @property
    def fit_seconds(self) -> float:
        """Seconds in which workers were held by fits, summed over workers."""
        held = self.trace["seconds"].items()
        return sum(float(seconds) for name, seconds in held if name != PROBE)


def environment(home: Path) -> dict[str, str]:
    """Variables of a process whose home, and whose libraries' homes, are in a folder of its own."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"HOME": str(home), "REALMIX_HOME": str(home / "realmix")}


def run_study(
    arguments: Sequence[str],
    *,
    scratch: Path,
    home: Path | None = None,
    n_processors: int | None = None,
    all_steps: bool = False,
) -> Study:
    """Run ``realmix run`` to its end.

    Parameters
    ----------
    arguments : sequence of str
        What follows ``realmix run``.
    scratch : Path
        New or empty; takes the results and, by default, the home.
    home : Path, optional
    n_processors : int, optional
        Fewer than there are: the study then starts as many workers.
    all_steps : bool
        Networks do not stop early.

    Raises
    ------
    RuntimeError
        With what the study said, if it failed.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    out, trace = scratch / "out", scratch / "trace.json"
    command = [sys.executable, "-m", "tests.benchmarks.traced", str(trace), "run", *arguments]
    started, said, began = time.perf_counter(), [], {}
    with subprocess.Popen(
        [*command, "--out", str(out)],
        env=environment(home or scratch / "home") | TRACED | ({ALL_STEPS: "yes"} if all_steps else {}),
        cwd=scratch,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=(lambda: keep_to(n_processors)) if n_processors else None,
    ) as process:
        for line in process.stderr or ():
            said.append(line)
            if stage := STAGE_LINE.match(line.rstrip("\n")):
                began[stage[1]] = time.perf_counter() - started
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"The study ended with code {process.returncode}:\n{''.join(said)}")
    document = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    return Study(seconds, out, document, json.loads(trace.read_text(encoding="utf-8")), began)


def keep_to(n_processors: int) -> None:
    """Leave this process the first few of its processors."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_processors])


def seconds_to_first_fit(arguments: Sequence[str], *, scratch: Path, home: Path) -> float:
    """Start a study, end it as soon as its race begins, and say how long that took."""
    scratch.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "realmix",
        "run",
        *arguments,
        "--out",
        str(scratch / "out"),
    ]
    began, said = time.perf_counter(), []
    with subprocess.Popen(
        command,
        env=environment(home),
        cwd=scratch,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if (stage := STAGE_LINE.match(line.rstrip("\n"))) and stage[1] == "race":
                seconds = time.perf_counter() - began
                process.send_signal(signal.SIGINT)
                process.stderr.read()
                return seconds
    raise RuntimeError(f"The study ended before its first fit:\n{''.join(said)}")

"""What a study takes beside its fits: a 5-minute study on all processors, and the same plan on one."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.figures import Figure
from tests.benchmarks.processes import Study, environment, run_study, seconds_to_first_fit

PART = "overhead"
START = "start-up"
WRONG = {
    "path": ("no/such/table.csv", "--target", "y"),
    "target": ("bundled:bank_marketing", "--target", "none"),
    "name": ("bundled:bank_marketing", "--synthesizers", "none"),
}
# Parts of a verdict that say what a run took, not what it found.
OF_THE_RUN = ("study", "tracking")
# What Prefect and MLflow do in a process of its own: as many tasks as a study has, none of which does anything.
EMPTY_STUDY = """
import sys, time
from realmix.flows.local import environment
from realmix.flows.local.embedded_server import EmbeddedServer
environment.prepare(); environment.make_home()
server = EmbeddedServer(); server.start()
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from realmix.flows.engines.choose import threads

@task(cache_policy=NO_CACHE)
def nothing(): pass

@flow(task_runner=threads())
def empty(n): [future.wait() for future in [nothing.submit() for _ in range(n)]]

server.wait(); began = time.perf_counter()
with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}): empty(int(sys.argv[1]))
print(time.perf_counter() - began)
"""


def measure(*, budget: str = "5m", table: str = "bundled:bank_marketing?rows=2000") -> list[Figure]:
    """Run a study of `budget` and its plan again on one processor.

    Returns
    -------
    list of Figure
        *Irreducible* are the seconds in which the only worker of the second run was held by fits: each
        was measured alone, one at a time. They are divided by the processors of the first run.
        Prefect's share is an empty flow of as many tasks; MLflow's is the stage that tracks, with the end
        of the process. The start of Prefect's server is part of the start-up.
    """
    n_processors = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        many = run_study([table, "--budget", budget], scratch=place / "many")
        plan = str(many.out / "plan.json")
        one = run_study([table, "--plan", plan], scratch=place / "one", n_processors=1)
        orchestration = empty_flow_seconds(n_tasks(many, place / "many"), place / "empty")
    irreducible = one.fit_seconds / n_processors
    stages, alone = many.document["seconds"], one.document["seconds"]
    share = 100 * (orchestration + many.tracking_seconds) / many.seconds
    return [
        Figure(PART, f"wall of a study of {budget}", many.seconds),
        Figure(PART, f"its fits, each measured alone, divided by {n_processors} processors", irreducible),
        Figure(PART, "wall / irreducible", many.seconds / irreducible, "x", 1.25, "at most"),
        Figure(PART, "its fits beside each other / alone", many.fit_seconds / one.fit_seconds, "x"),
        Figure(PART, "Prefect: an empty flow of as many tasks", orchestration),
        Figure(PART, "MLflow: tracking, and the end of the process", many.tracking_seconds),
        Figure(PART, "Prefect and MLflow", share, "% of wall", 5, "at most"),
        *(Figure(PART, f"stage {name}", value) for name, value in stages.items() if name in many.began),
        Figure("workers", "race on one worker", alone["race"]),
        Figure("workers", f"race on {n_processors}", stages["race"]),
        Figure(
            "workers",
            f"speed-up of the race with {n_processors} workers",
            alone["race"] / stages["race"],
            "x",
            0.8 * n_processors,
            "at least",
        ),
        Figure(
            "workers",
            "verdicts are equal (1) or differ (0)",
            float(same_verdict(many, one)),
            "",
            1,
            "at least",
        ),
        Figure(PART, "start-up to the first fit, fresh home", many.trace["first_fit"]),
    ]


def measure_start(*, repeats: int = 3, table: str = "bundled:bank_marketing?rows=2000") -> list[Figure]:
    """Seconds from the command to the first fit, in a fresh home and in the same home again, and to the help."""
    fresh: list[float] = []
    again: list[float] = []
    helped: list[float] = []
    refused: dict[str, list[float]] = {what: [] for what in WRONG}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            for number, seconds in enumerate((fresh, again)):
                arguments = [table, "--seed", str(number)]  # another seed: no plan lies in the store
                at = place / str(number)
                seconds.append(seconds_to_first_fit(arguments, scratch=at, home=place / "home"))
            helped.append(command_seconds(["--help"], place / "home", exit_code=0))
            for what, arguments in WRONG.items():
                refused[what].append(command_seconds(["run", *arguments], place / "home", exit_code=2))
    return [
        Figure(START, "to the first fit, fresh home", median(fresh), "s", 8, "at most"),
        Figure(START, "to the first fit, home that was used before", median(again), "s", 4, "at most"),
        Figure(START, "realmix --help", median(helped), "s", 0.3, "at most"),
        *(
            Figure(START, f"a wrong {what}, to the sentence", median(seconds), "s", 0.5, "at most")
            for what, seconds in refused.items()
        ),
    ]


def command_seconds(arguments: Sequence[str], home: Path, *, exit_code: int) -> float:
    """Seconds of a command of ``realmix`` that ends by itself, with this exit code and, for bad input, a sentence."""
    command = [str(Path(sys.executable).with_name("realmix")), *arguments]
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment(home), cwd=home, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode != exit_code or (exit_code and "realmix: " not in done.stderr):
        raise RuntimeError(f"realmix {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return seconds


def n_tasks(study: Study, scratch: Path) -> int:
    """Task runs that Prefect's embedded server holds of a study."""
    database = scratch / "home" / "realmix" / "prefect" / "prefect.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute("select count(*) from task_run").fetchone()[0])


def empty_flow_seconds(n: int, scratch: Path) -> float:
    """Wall seconds of a flow with `n` tasks that do nothing; its server is ready when it starts."""
    command = [sys.executable, "-c", EMPTY_STUDY, str(n)]
    done = subprocess.run(
        command, env=environment(scratch), cwd=scratch, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def same_verdict(first: Study, second: Study) -> bool:
    """Whether two studies found the same, to the last bit."""
    return json.dumps(found(first.document)) == json.dumps(found(second.document))


def found(document: Any) -> Any:
    """What a study found, without the seconds that it took and the name of its folder."""
    if isinstance(document, dict):
        kept = {name: value for name, value in document.items() if name not in OF_THE_RUN}
        return {name: found(value) for name, value in kept.items() if "seconds" not in name}
    return [found(value) for value in document] if isinstance(document, list) else document

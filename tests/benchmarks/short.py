"""A study of 90 seconds: how much of the budget its fits get, what it leaves on disk, and a worker's memory.

Besides, the study of ``make run``, which leaves all to its defaults.
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import psutil

from realmix.tasks.runtime.fork_server import fork_server
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.benchmarks.figures import Figure
from tests.benchmarks.processes import PROBE, run_study

PART = "short study"
TABLE = "bundled:bank_marketing?rows=2000"
BUDGET_SECONDS = 90
# Of a home: what MLflow and Prefect keep there.
OF_SERVERS = ("mlflow.db", "mlartifacts", "prefect")


def measure(*, repeats: int = 3) -> list[Figure]:
    """Medians over studies in one home: the first learns how long stages take here and counts as well."""
    n_workers = len(os.sched_getaffinity(0))
    shares: list[float] = []
    walls: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for seed in range(repeats):
            arguments = [TABLE, "--budget", f"{BUDGET_SECONDS}s", "--seed", str(seed)]
            study = run_study(arguments, scratch=place / str(seed), home=place / "home")
            shares.append(100 * study.fit_seconds / n_workers / BUDGET_SECONDS)
            walls.append(study.seconds)
            if seed == 0:
                n_files, n_mb = left_behind(study.out, place / "home" / "realmix")
    return [
        Figure(PART, "share of a 90 s budget spent in fits", median(shares), "%", 66.7, "at least"),
        Figure(PART, "its wall", median(walls), "s", float(BUDGET_SECONDS), "at most"),
        Figure(
            PART,
            "files that a study of 2,000 rows leaves, store included",
            float(n_files),
            "",
            120,
            "at most",
        ),
        Figure(PART, "their size", n_mb, "MB", 15, "at most"),
        Figure(PART, "memory of a worker, its share of what all share", worker_mib(), "MiB", 300, "at most"),
    ]


def measure_run() -> list[Figure]:
    """Wall of ``realmix run`` without arguments in a fresh home."""
    with tempfile.TemporaryDirectory() as scratch:
        study = run_study([], scratch=Path(scratch))
    return [Figure("make run", "after the installation", study.seconds, "s", 120, "at most")]


def left_behind(out: Path, home: Path) -> tuple[int, float]:
    """Files, and their MB, in the folder of a study and in its home, the servers' own files apart."""
    of_home = [path for path in home.rglob("*") if path.relative_to(home).parts[0] not in OF_SERVERS]
    sizes = [path.stat().st_size for path in (*out.rglob("*"), *of_home) if path.is_file()]
    return len(sizes), sum(sizes) / 1e6


def worker_mib(n_workers: int = 2) -> float:
    """Proportional memory of two workers and their fork server, all libraries imported, per worker; in MiB."""
    libraries = sorted({name for spec in SYNTHESIZERS.values() for name in spec.libraries})
    with LocalWorkers(n_workers) as workers:
        fork_server(1).preload(libraries)
        with ThreadPoolExecutor(n_workers) as threads:
            list(threads.map(lambda _: workers.run(PROBE), range(n_workers)))
        family = psutil.Process().children(recursive=True)
        return sum(process.memory_full_info().pss for process in family) / n_workers / 2**20


if __name__ == "__main__":
    for figure in measure():
        print(figure, file=sys.stdout)

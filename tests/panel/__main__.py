"""Run the panel: ``python -m tests.panel [--quick]``; finished runs are kept and not run again."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realmix.tasks.core.plan.priors import Priors
    from tests.panel.runs import Record

# One thread per process, before anything that computes is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

N_PROCESSES = 2
HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.panel", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seven cells, one draw each")
    parser.add_argument("--store", type=Path, default=Path("runs/panel"), help="where finished runs are kept")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker is not None:
        return work(asked.store, asked.quick, asked.worker)
    started = time.perf_counter()
    workers = [spawn(asked, number) for number in range(N_PROCESSES)]
    codes = [worker.wait() for worker in workers]
    report(asked.store, asked.quick)
    print(f"panel: {time.perf_counter() - started:.0f} s")
    return max(codes)


def spawn(asked: argparse.Namespace, number: int) -> subprocess.Popen[bytes]:
    """Start one process that takes every second run."""
    command = [sys.executable, "-m", "tests.panel", "--store", str(asked.store), "--worker", str(number)]
    return subprocess.Popen([*command, "--quick"] if asked.quick else command)


def work(store: Path, quick: bool, number: int) -> int:
    """Do this process's share of the runs."""
    from tests.panel.runs import run
    from tests.panel.tables import jobs

    for cell, seed in jobs(quick)[number::N_PROCESSES]:
        started = time.perf_counter()
        run(cell, seed, store)
        print(f"{cell.name} draw {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    return 0


def report(store: Path, quick: bool) -> None:
    """Decide every finished run, and write the table, the page and the library's priors."""
    import pandas as pd

    from realmix.tasks.core.plan.priors import committed_priors, write_priors
    from tests.panel.decisions import decide_run
    from tests.panel.priors import fit_priors
    from tests.panel.runs import path_of, read
    from tests.panel.summary import page
    from tests.panel.tables import METHOD_HALF, jobs

    wanted = [path_of(store, cell, seed) for cell, seed in jobs(quick)]
    records = [read(path) for path in wanted if path.with_suffix(".json").exists()]
    fitted = priors_without(records) if not quick else {}
    priors = [fitted.get(record.cell.table, committed_priors()) for record in records]
    with ProcessPoolExecutor(N_PROCESSES) as processes:
        table = pd.DataFrame(list(processes.map(decide_run, records, priors)))
    results = store if quick else HERE / "results"
    results.mkdir(exist_ok=True)
    table.to_csv(results / "panel.csv", index=False, float_format="%.6g")
    (results / "panel.md").write_text(page(table, len(wanted), false_discovery()), encoding="utf-8")
    if not quick:
        write_priors(fit_priors(records, METHOD_HALF))
    print((results / "panel.md").read_text(encoding="utf-8"))


def priors_without(records: Sequence[Record]) -> dict[str, Priors]:
    """Priors for each table, fitted on the method half without it."""
    from tests.panel.priors import fit_priors
    from tests.panel.tables import METHOD_HALF

    def without(table: str) -> Priors:
        return fit_priors(records, [name for name in METHOD_HALF if name != table])

    unseen = without("")
    tables = {record.cell.table for record in records}
    return {table: without(table) if table in METHOD_HALF else unseen for table in tables}


def false_discovery() -> str:
    """What `make nulls` found, where it was run."""
    from tests.nulls.run import OUT, read, summary

    lines = read(Path(OUT) / "nulls.csv")
    return "run `make nulls`." if lines.empty else summary(lines).replace("\n", "; ") + "."


if __name__ == "__main__":
    sys.exit(main())

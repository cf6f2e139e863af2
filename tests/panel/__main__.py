"""Run the panel: ``python -m tests.panel [--quick]``; finished runs are kept and not run again."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realmix.tasks.core.plan.priors import Priors
    from tests.panel.runs import Record
    from tests.panel.targets import Target

# One thread per process, before anything that computes is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

RESULTS = Path(__file__).parent / "results"
STORE = Path("runs/panel")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.panel", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="seven cells, one draw each")
    which.add_argument(
        "--confirm", action="store_true", help="the fresh tables, to confirm a method that stands"
    )
    parser.add_argument("--store", type=Path, default=STORE, help="where finished runs are kept")
    parser.add_argument("--workers", type=int, default=2, help="processes, with a thread each")
    asked = parser.parse_args()
    started = time.perf_counter()
    with pool(asked.workers) as processes:
        n_failed = work(processes, asked)
    with pool(asked.workers) as processes:
        report(processes, asked)
    print(f"panel: {time.perf_counter() - started:.0f} s, {n_failed} runs failed")
    return int(n_failed > 0)


def pool(n_workers: int) -> ProcessPoolExecutor:
    """Processes that are spawned: a fork would inherit the threads of libraries."""
    return ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn"))


def work(processes: ProcessPoolExecutor, asked: argparse.Namespace) -> int:
    """Do the runs that are missing; the number of those that failed, which stop no other."""
    from tests.panel.runs import is_done, timed
    from tests.panel.tables import jobs

    wanted = jobs(quick=asked.quick, confirm=asked.confirm)
    todo = [job for job in wanted if not is_done(asked.store, *job)]
    futures = {processes.submit(timed, *job, asked.store, asked.confirm): job for job in todo}
    n_failed = 0
    for number, future in enumerate(as_completed(futures), start=1):
        cell, seed = futures[future]
        error = future.exception()
        n_failed += error is not None
        outcome = f"failed: {error!r}" if error else f"{future.result():.0f} s"
        print(f"{number} of {len(todo)}: {cell.name} draw {seed}: {outcome}", flush=True)
    return n_failed


def report(processes: ProcessPoolExecutor, asked: argparse.Namespace) -> None:
    """Decide every finished run, and write the tables, the page and, of a whole panel, the library's priors."""
    import pandas as pd

    from realmix.tasks.core.plan.priors import write_priors
    from tests.panel.decisions import decide_run
    from tests.panel.priors import fit_priors
    from tests.panel.runs import is_done, read
    from tests.panel.summary import page
    from tests.panel.tables import METHOD_HALF, jobs

    wanted = jobs(quick=asked.quick, confirm=asked.confirm)
    records = [read(asked.store, *job) for job in wanted if is_done(asked.store, *job)]
    if not records:
        return
    is_whole = len(records) == len(wanted) and not (asked.quick or asked.confirm)
    fitted = priors_without(records) if is_whole else {}
    priors = [fitted.get(record.cell.table) for record in records]
    folder = asked.store / "quick" if asked.quick else RESULTS / ("fresh" if asked.confirm else ".")
    folder.mkdir(parents=True, exist_ok=True)
    lines = list(processes.map(decide_run, records, priors))
    panel, arms, rivals = (
        pd.DataFrame([line for of_run in part for line in of_run]) for part in zip(*lines, strict=True)
    )
    for name, table in (("panel", panel), ("arms", arms), ("rivals", rivals)):
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.5g")
    more = [] if asked.confirm else measured_elsewhere()
    text = page(panel, rivals, len(wanted), false_discovery=false_discovery(), more=more)
    (folder / "panel.md").write_text(text, encoding="utf-8")
    if is_whole:
        write_priors(fit_priors(records, METHOD_HALF))
    print(text)


def priors_without(records: Sequence[Record]) -> dict[str, Priors]:
    """Priors for each table, fitted on the method half without it."""
    from tests.panel.priors import fit_priors
    from tests.panel.tables import METHOD_HALF

    def without(table: str) -> Priors:
        return fit_priors(records, [name for name in METHOD_HALF if name != table])

    unseen = without("")
    tables = {record.cell.table for record in records}
    return {table: without(table) if table in METHOD_HALF else unseen for table in tables}


def measured_elsewhere() -> list[Target]:
    """What `python -m tests.panel.collecting` found, where it was run."""
    import pandas as pd

    from tests.panel.targets import collecting

    path = RESULTS / "collecting.csv"
    return collecting(pd.read_csv(path)) if path.exists() else []


def false_discovery() -> str:
    """What `make nulls` found, where it was run."""
    from tests.nulls.run import OUT, VERDICTS, read, summary

    lines = read(OUT / VERDICTS)
    return "Run `make nulls`." if lines.empty else summary(lines)


if __name__ == "__main__":
    sys.exit(main())

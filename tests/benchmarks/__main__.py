"""Run the benchmarks: ``python -m tests.benchmarks [--only NAME ...]``; nothing else should run beside them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from tests.benchmarks import generators, large, overhead, plain, repeats, rivals, short
from tests.benchmarks.figures import Figure, as_markdown, machine, read_csv, write_csv

RESULTS = Path(__file__).parent / "results"
FIT_TARGET = 3.0
# A million rows of 20 columns.
LARGEST_SECONDS, LARGEST_GIB = 149.0, 3.0
SYNTHESIZERS_WITH_TARGET = ("ctgan", "tvae")


def generator_figures() -> list[Figure]:
    """Fit and draw of each synthesizer, ours and the library's, at equal steps: medians of three."""
    found = []
    for row in generators.measure(3).itertuples():
        of = f"{row.synthesizer}, {row.n_rows:,} rows"
        has_target = row.synthesizer in SYNTHESIZERS_WITH_TARGET
        found += [
            Figure("fits", f"{of}, the library's default, batches of 500", float(row.library_seconds)),
            Figure("fits", f"{of}, realmix, batches of 200", float(row.ours_seconds)),
            Figure("fits", f"{of}, the library with batches of 200", float(row.same_batch_seconds)),
            Figure(
                "fits",
                f"{of}, times less than the library with such batches",
                float(row.same_batch_ratio),
                "x",
            ),
            Figure(
                "fits",
                f"{of}, times less than the library's default at equal steps",
                float(row.ratio),
                "x",
                FIT_TARGET if has_target else None,
                "at least" if has_target else None,
            ),
        ]
    return found


def repeat_figures() -> list[Figure]:
    """A study run again, resumed, and with one more synthesizer."""
    medians = repeats.measure(1).groupby("run", sort=False)["seconds"].median()
    return [Figure("again", str(name), float(seconds)) for name, seconds in medians.items()]


def large_figures() -> list[Figure]:
    """Seconds and peak memory of each stage, from 1,000 to 1,000,000 rows."""
    table: pd.DataFrame = large.measure(budget="1m")
    found = []
    for row in table.itertuples():
        of = f"{row.n_rows:,} rows, {row.stage}"
        limit = row.stage == "whole run"
        found += [
            Figure(
                "rows",
                of,
                float(row.seconds),
                "s",
                LARGEST_SECONDS if limit and row.n_rows == max(large.SIZES) else None,
                "at most" if limit and row.n_rows == max(large.SIZES) else None,
            ),
            Figure(
                "rows",
                of,
                float(row.peak_mb) / 1024,
                "GiB",
                LARGEST_GIB if limit else None,
                "at most" if limit else None,
            ),
        ]
    return found


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "start": overhead.measure_start,
    "short": short.measure,
    "run": short.measure_run,
    "plain": plain.measure,
    "overhead": overhead.measure,
    "generators": generator_figures,
    "rivals": rivals.measure,
    "repeats": repeat_figures,
    "large": large_figures,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME")
    only: Sequence[str] = parser.parse_args().only
    RESULTS.mkdir(exist_ok=True)
    figures = read_csv(RESULTS / "bench.csv")
    for name in only:
        began = time.perf_counter()
        measured = PARTS[name]()
        replaced = {figure.part for figure in measured}
        figures = [figure for figure in figures if figure.part not in replaced] + measured
        # After each part: what was measured is kept whatever happens to the next one.
        write_csv(figures, RESULTS / "bench.csv")
        (RESULTS / "bench.md").write_text(as_markdown(figures, machine()), encoding="utf-8")
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(as_markdown(figures, machine()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Large tables through a whole study: seconds and peak memory of each stage, from 1,000 to 1,000,000 rows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

CHUNK_ROWS = 100_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
SAMPLING_SECONDS = 0.05
# The line with which a study says that a stage begins.
STAGE_LINE = re.compile(r"^\[ *\d+ s\] ([a-z][a-z ]*) \.\.\.$")
TARGET = "bought"
WHOLE_RUN = "whole run"


def write_table(path: Path, n_rows: int, *, seed: int = 0) -> Path:
    """Write 20 columns of mixed types, chunk by chunk, as CSV or Parquet after the file's suffix.

    Numbers, whole numbers, categories with 3 to 1,000 levels, truth values, dates, missing cells and
    a binary target of which about 30 % are "yes".

    Parameters
    ----------
    path : Path
        Ends in ``.csv`` or ``.parquet``.
    n_rows : int
    seed : int
        The same for the same rows.
    """
    writer = None
    for chunk in chunks(n_rows, seed):
        if writer is None:
            make = pa.csv.CSVWriter if path.suffix == ".csv" else pa.parquet.ParquetWriter
            writer = make(path, chunk.schema)
        writer.write_table(chunk)
    if writer is not None:
        writer.close()
    return path


def chunks(n_rows: int, seed: int) -> Iterator[pa.Table]:
    """The table in pieces of at most `CHUNK_ROWS` rows."""
    for start in range(0, n_rows, CHUNK_ROWS):
        rng = np.random.default_rng([seed, start])
        yield pa.table(_columns(min(CHUNK_ROWS, n_rows - start), start, rng))


def _columns(n: int, start: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    income, balance, score = rng.lognormal(10, 0.6, n), rng.normal(0, 800, n), rng.uniform(0, 1, n)
    age, calls = rng.integers(18, 90, n), rng.poisson(2, n)
    plan, region = rng.integers(0, 3, n), rng.integers(0, 12, n)
    branch, postcode = rng.zipf(1.6, n) % 100, rng.integers(0, 1000, n)
    opened = np.datetime64("2015-01-01") + rng.integers(0, 3600, n).astype("timedelta64[D]")
    seen = np.datetime64("2025-01-01T00:00:00") + rng.integers(0, 30_000_000, n).astype("timedelta64[s]")
    drive = 0.5 * np.log(income / 2e4) + 0.8 * score + 0.25 * calls + 0.4 * (plan == 2) - 0.01 * age
    chance = 1 / (1 + np.exp(-(1.5 * drive - 2.0 + 0.3 * np.sin(postcode) + 0.2 * (branch == 1))))
    return {
        "customer_id": pa.array(np.arange(start, start + n)),
        "income": pa.array(income.round(2)),
        "balance": pa.array(balance.round(2)),
        "score": pa.array(score, mask=rng.random(n) < 0.1),
        "distance": pa.array(rng.exponential(12, n).round(1), mask=rng.random(n) < 0.02),
        "rate": pa.array(rng.gamma(2, 1.5, n)),
        "age": pa.array(age),
        "calls": pa.array(calls),
        "products": pa.array(rng.integers(1, 9, n)),
        "tenure_days": pa.array(rng.integers(0, 6000, n), mask=rng.random(n) < 0.05),
        "plan": _names("plan", plan),
        "region": _names("region", region),
        "branch": _names("branch", branch),
        "postcode": _names("area", postcode),
        "channel": _names("channel", rng.integers(0, 5, n), mask=rng.random(n) < 0.05),
        "is_member": pa.array(rng.random(n) < 0.4),
        "has_card": pa.array(rng.random(n) < 0.7, mask=rng.random(n) < 0.03),
        "opened_on": pa.array(opened.astype("datetime64[s]")),
        "last_seen": pa.array(seen, mask=rng.random(n) < 0.08),
        TARGET: pa.array(np.where(rng.random(n) < chance, "yes", "no")),
    }


def _names(word: str, codes: np.ndarray, mask: np.ndarray | None = None) -> pa.Array:
    names = np.char.add(f"{word}-", codes.astype(str)).astype(object)
    return pa.array(names, mask=mask)


def measure(sizes: Sequence[int] = SIZES, *, suffix: str = ".parquet", budget: str = "2m") -> pd.DataFrame:
    """Study a table of each size in a process of its own.

    Parameters
    ----------
    sizes : sequence of int
        Rows.
    suffix : {".parquet", ".csv"}
    budget : str
        Of each study.

    Returns
    -------
    DataFrame of shape (n_sizes * n_stages, 4)
        ``n_rows``, ``stage``, ``seconds`` (wall) and ``peak_mb``: the most memory (resident, MiB) that
        the study and its workers held together in that stage. Stage ``start`` is everything before the
        first one; ``whole run`` is the process from start to end.
    """
    with tempfile.TemporaryDirectory() as scratch:
        measured = [_measure_one(Path(scratch), n_rows, suffix, budget) for n_rows in sizes]
    return pd.DataFrame([row for rows in measured for row in rows])


def _measure_one(scratch: Path, n_rows: int, suffix: str, budget: str) -> list[dict[str, object]]:
    table, out = write_table(scratch / f"large-{n_rows}{suffix}", n_rows), scratch / f"out-{n_rows}"
    command = [sys.executable, "-m", "realmix", "run", str(table), "--target", TARGET]
    command += ["--budget", budget, "--out", str(out)]
    environment = os.environ | {"REALMIX_HOME": str(scratch / f"home-{n_rows}")}
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    )
    peaks = PeakByStage(process)
    said = peaks.follow()
    if process.returncode:
        raise RuntimeError(f"The study of {n_rows:,} rows ended with code {process.returncode}:\n{said}")
    table.unlink()
    seconds = {**peaks.seconds, WHOLE_RUN: sum(peaks.seconds.values())}
    mb = {**peaks.mb, WHOLE_RUN: max(peaks.mb.values())}
    return [
        {"n_rows": n_rows, "stage": stage, "seconds": round(wall, 2), "peak_mb": round(mb.get(stage, 0))}
        for stage, wall in seconds.items()
    ]


class PeakByStage:
    """Watches a study and all its children: wall seconds, and the most memory they hold together, by stage.

    Pages that processes share, as forked workers do, count once.

    Parameters
    ----------
    process : Popen
        A study whose standard error is a pipe of text.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.mb: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self._stage, self._began = "start", time.perf_counter()

    def follow(self) -> str:
        """Wait for the end; what the study said."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        said: list[str] = []
        assert self.process.stderr is not None
        with self.process:
            for line in self.process.stderr:
                said.append(line)
                begun = STAGE_LINE.match(line.rstrip("\n"))
                if begun:
                    self._begin(begun[1])
        self._begin("end")
        watcher.join()
        return "".join(said)

    def _begin(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] = now - self._began
        self._stage, self._began = stage, now

    def _watch(self) -> None:
        while self.process.poll() is None:
            stage = self._stage
            self.mb[stage] = max(self.mb.get(stage, 0.0), tree_mb(self.process.pid))
            time.sleep(SAMPLING_SECONDS)


def tree_mb(pid: int) -> float:
    """Proportional resident memory of a process and its descendants, in MiB; 0 when it is gone."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_resident(member) for member in family) / 2**20


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    print(measure([int(size) for size in sys.argv[1:]] or SIZES).to_string(index=False))

"""Runs the command line and notes how long each function held a worker: ``traced TRACE.json run ...``.

With ``REALMIX_BENCH_ALL_STEPS`` set, networks take all steps of the plan, as the plain script's do.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from realmix.tasks.runtime.workers import LocalWorkers
from tests.benchmarks.processes import ALL_STEPS, PROBE

POOL = "realmix.tasks.fits.pools:synthesize"


def pool_of_all_steps(**kwargs: Any) -> dict[str, Any]:
    """A pool as in a study, but no network stops early; runs in a worker."""
    from realmix.tasks.fits.pools import synthesize
    from realmix.tasks.synthesizers import _sdv

    _sdv.MIN_INNER_ROWS = sys.maxsize
    return synthesize(**kwargs)


class Trace:
    """Calls and seconds by function, and when the first fit was sent, in seconds of this process."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.first_fit: float | None = None

    def install(self) -> None:
        """Time what workers are asked from now on."""
        answer = LocalWorkers._answer

        def timed(pool: LocalWorkers, worker: Any, request: bytes, function: str, limit: float | None) -> Any:
            if self.first_fit is None and function != PROBE:
                self.first_fit = time.time() - psutil.Process().create_time()
            began = time.perf_counter()
            if function == POOL and ALL_STEPS in os.environ:
                request = pickle.dumps((f"{__name__}:pool_of_all_steps", pickle.loads(request)[1]))
            try:
                return answer(pool, worker, request, function, limit)
            finally:
                self.calls[function] += 1
                self.seconds[function] += time.perf_counter() - began  # type: ignore[assignment]

        LocalWorkers._answer = timed  # type: ignore[method-assign,assignment]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(vars(self)), encoding="utf-8")


def main() -> None:
    from realmix.flows.terminal import cli

    trace, path = Trace(), Path(sys.argv.pop(1))
    trace.install()
    try:
        cli.main()
    finally:
        trace.write(path)


if __name__ == "__main__":
    # By its full name, under which workers import it.
    from tests.benchmarks import traced

    traced.main()

"""Many small studies on both processors."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

Job = TypeVar("Job")
Result = TypeVar("Result")


def two_at_once(function: Callable[[Job], Result], jobs: Iterable[Job]) -> list[Result]:
    """Results in the order of the jobs, each made in one of two processes with a thread each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            return pool.map(function, jobs, chunksize=1)

"""Ship the final fits: gate, score on the holdout, package, report and track; the end of study and renewal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.holdout import read_holdout
from realmix.tasks.study.refit import package
from realmix.tasks.study.track import track
from realmix.tasks.study.validate import gate_training

log = logging.getLogger("realmix")


class Stages:
    """Measure the wall seconds of each stage, and log when it begins."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.worker_seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a stage, the body of the `with` statement."""
        began = time.perf_counter()
        log.info("%s ...", stage, extra={"progress": {"stage": stage}})
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 2)

    def all_seconds(self) -> dict[str, float]:
        """Return the wall seconds of each stage, their sum so far, and the workers' seconds in the race."""
        so_far = round(time.perf_counter() - self.started, 2)
        return {**self.seconds, "so far": so_far, **self.worker_seconds}


def ship(
    folder: StudyFolder,
    table: Table,
    arms: dict[str, Arm],
    thresholds: Mapping[str, float | None],
    plan: Plan,
    publish: Callable[[dict[str, Any] | None], VerdictDocument],
    clock: Stages,
) -> dict[str, Any]:
    """Gate, score, package, report and track both final fits.

    Parameters
    ----------
    folder : StudyFolder
        With the fits in it, see :func:`realmix.tasks.study.refit.final_fits`.
    table : Table
    arms : dict
        Role ("model", "real_only") to arm.
    thresholds : mapping of role to float or None
        With which their labels are decided, see :func:`realmix.tasks.study.refit.thresholds_of`.
    plan : Plan
    publish : callable
        Takes the scores on the holdout; writes the documents, and returns the verdict document.
    clock : Stages

    Returns
    -------
    dict
        The verdict document, with ``tracking``.

    Raises
    ------
    ValidationFailed
        If the training table breaks a critical expectation: nothing ships.
    """
    with clock("evaluate"):
        gate_training(table, folder)
        holdout = read_holdout(folder, table, plan, thresholds)
    with clock("package"):
        package(folder, arms, thresholds)
    with clock("report"):
        document = publish(holdout)
    with clock("track"):
        tracked = track(folder, document)
    folder.clear_work()
    return tracked

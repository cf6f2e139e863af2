"""Train a batch of arms on one scope."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.arms import Arm
from tasks.core.errors import FitTooLarge
from tasks.core.plans import Plan
from tasks.core.study import StudyFolder
from tasks.fits.once import arms_once
from tasks.storage import at_hand


@task(task_run_name="train-{batch}-{scope}", cache_policy=NO_CACHE)
def train(
    folder: StudyFolder, scope: str, batch: str, arms: list[Arm], plan: Plan, pool: dict[str, Any]
) -> dict[str, Any]:
    """Fit the arms of a batch and keep their predictions; skipped where the pool failed.

    A batch that is too large for this machine loses its arms; without real only there is no study.
    """
    skipped = {"scope": scope, "batch": batch, "seconds": 0.0, "failures": {}, "skipped": True}
    if pool.get("failure"):
        return skipped
    try:
        with at_hand(folder, scope) as here:
            done = arms_once(here, scope, f"predictions-{batch}", arms, plan)
    except FitTooLarge as err:
        if batch == "real-only":
            raise
        return skipped | {"failures": {arm.name: str(err) for arm in arms}}
    return {"scope": scope, "batch": batch, "skipped": False, **done}

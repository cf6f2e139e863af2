"""Train a batch of arms (models on mixes of one pool) on one scope."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.errors import FitTooLarge
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.fits.cached import cached_arms
from realmix.tasks.runtime.shared_storage import at_hand
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.synthesize import steps_before


@task(task_run_name="train-{batch}-{scope}", cache_policy=NO_CACHE)
def train(
    folder: StudyFolder, scope: str, batch: str, arms: list[Arm], plan: Plan, pool: PoolResult | None
) -> dict[str, Any]:
    """Fit the arms of a batch and store their predictions; skip a batch whose pool failed.

    The arms of a batch that is too large for this machine fail; the study does if it is "real-only".
    """
    skipped = {"scope": scope, "batch": batch, "seconds": 0.0, "failures": {}, "skipped": True}
    if pool and pool.failure:
        return skipped
    try:
        with at_hand(folder, scope, *steps_before(*arms), gives=train_step(batch)) as here:
            done = cached_arms(here, scope, f"predictions-{batch}", arms, plan)
    except FitTooLarge as err:
        if batch == "real-only":
            raise
        return skipped | {"failures": {arm.name: str(err) for arm in arms}}
    return {"scope": scope, "batch": batch, "skipped": False, **done}


def train_step(batch: str) -> str:
    """Name the step that trains a batch."""
    return f"train-{batch}"

"""Train a batch of arms on one scope."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.arms import Arm
from tasks.core.plans import Plan
from tasks.core.study import StudyFolder
from tasks.core.workers import current_pool


@task(task_run_name="train-{batch}-{scope}", cache_policy=NO_CACHE)
def train(
    folder: StudyFolder, scope: str, batch: str, arms: list[Arm], plan: Plan, pool: dict[str, Any]
) -> dict[str, Any]:
    """Fit the arms of a batch and keep their predictions; skipped where the pool failed."""
    if pool.get("failure"):
        return {"scope": scope, "batch": batch, "seconds": 0.0, "failures": {}, "skipped": True}
    done = current_pool().run(
        "tasks.fits.arms:train_arms",
        folder=str(folder.scope(scope)),
        batch=f"predictions-{batch}",
        arms=[arm.to_dict() for arm in arms],
        n_jobs=plan.threads_per_fit,
    )
    return {"scope": scope, "batch": batch, "skipped": False, **done}

"""Fit one synthesizer on one scope (a fold, or the rows of a final fit) and validate its rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.errors import FitTimedOut, RealmixError, StudyInterrupted
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.fits.cached import TEACHER_FILE, cached_pool, cached_teacher
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.shared_storage import at_hand
from realmix.tasks.runtime.study_folder import VALIDATION, StudyFolder
from realmix.tasks.validation.tables import gate_synthetic

log = logging.getLogger("realmix")
# Name of the step that fits the model which labels synthetic rows.
TEACHER_STEP = "teacher"


@task(task_run_name="teacher-{scope}", cache_policy=NO_CACHE)
def fit_teacher(folder: StudyFolder, scope: str, plan: Plan) -> dict[str, Any]:
    """Fit the ensemble that labels synthetic rows in this scope."""
    with at_hand(folder, scope, gives=TEACHER_STEP) as here:
        return cached_teacher(here, scope, plan)


@task(task_run_name="{synthesizer}-{scope}", cache_policy=NO_CACHE)
def synthesize(
    folder: StudyFolder,
    scope: str,
    synthesizer: str,
    plan: Plan,
    *,
    max_ratio: float | None = None,
) -> PoolResult:
    """Draw the pool of one synthesizer; a failure is reported and does not stop the study.

    Returns
    -------
    PoolResult
        Its ``failure`` is the reason if there is no usable pool.
    """
    with at_hand(folder, scope, TEACHER_STEP, gives=pool_step(synthesizer)) as here:
        return draw_pool(here, scope, synthesizer, plan, max_ratio or plan.max_ratio)


def draw_pool(folder: StudyFolder, scope: str, synthesizer: str, plan: Plan, max_ratio: float) -> PoolResult:
    """Draw a pool in a folder that has the files of the scope; see :func:`synthesize`."""
    if not (folder.scope(scope) / TEACHER_FILE).exists():
        cached_teacher(folder, scope, plan)  # another machine has fitted it, and has its file
    try:
        made = cached_pool(folder, scope, synthesizer, plan, max_ratio=max_ratio)
        made["failure"] = made.get("failure") or gate(
            folder, scope, synthesizer, class_counts=made["asked_by_class"]
        )
    except StudyInterrupted:
        raise
    except RealmixError as err:
        made = {"failure": str(err), "timed_out": isinstance(err, FitTimedOut)}
    if made["failure"]:
        log.warning("%s on %s failed: %s", synthesizer, scope, made["failure"])
    return PoolResult.build({"scope": scope, "synthesizer": synthesizer, **made})


def steps_before(*arms: Arm) -> tuple[str, ...]:
    """Name the steps of a scope whose results the fits of arms read."""
    pools = (pool_step(arm.mix.synthesizer) for arm in arms if arm.mix.synthesizer)
    return (TEACHER_STEP, *dict.fromkeys(pools))


def pool_step(synthesizer: str) -> str:
    """Name the step that draws the pool of a synthesizer."""
    return f"pool-{synthesizer}"


def validation_of(scope: str, synthesizer: str) -> str:
    """Name the folder, in the study's, of a pool's validation: its own for one that is refused in a fold."""
    return VALIDATION if scope == "shipped" else f"{VALIDATION}/{synthesizer}-{scope}"


def gate(
    folder: StudyFolder, scope: str, synthesizer: str, *, class_counts: Mapping[str, int] | None
) -> str | None:
    """Validate a pool with the synthetic suite; return the reason why it must not be used, or None."""
    place = Scope(folder.scope(scope))
    rows = pd.read_parquet(place.folder / f"{synthesizer}.parquet")
    context = place.context
    return gate_synthetic(
        rows,
        place.training,
        context.schema,
        context.card,
        synthesizer,
        folder.path / validation_of(scope, synthesizer),
        class_counts=class_counts,
        ships=scope == "shipped",
    )

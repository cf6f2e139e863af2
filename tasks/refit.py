"""Fit the recipe that ships, and the real-only incumbent, on whole scopes."""

from __future__ import annotations

import shutil
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.arms import Arm
from tasks.core.plans import Plan
from tasks.core.study import StudyFolder
from tasks.core.workers import current_pool
from tasks.fits.scope import Scope
from tasks.package import save_pyfunc
from tasks.synthesize import fit_teacher, synthesize

ROLES = ("model", "real_only")


@task(task_run_name="refit-{scope}", cache_policy=NO_CACHE)
def refit(
    folder: StudyFolder, scope: str, arms: dict[str, Arm], plan: Plan, raw: str | None = None
) -> dict[str, Any]:
    """Fit both arms on all rows of a scope; a failed generator is said, not raised.

    Parameters
    ----------
    folder : StudyFolder
    scope : {"evaluated", "shipped"}
        Development rows only, or all rows.
    arms : dict
        Role to arm.
    plan : Plan
    raw : str, optional
        Parquet file of all raw rows, for the training table that ships.

    Returns
    -------
    dict
        What :func:`tasks.fits.final.fit_final` says, by role; ``failure`` names the reason
        why the mix could not be made.
    """
    needed = [
        arm.mix
        for arm in dict.fromkeys(arms.values())
        if arm.mix.label_rule == "teacher" or arm.mix.synthesizer
    ]
    if needed:
        fit_teacher.fn(folder, scope, plan)
    for mix in needed:
        if mix.synthesizer:
            pool = synthesize.fn(folder, scope, mix.synthesizer, plan, max_ratio=mix.synthetic_ratio)
            if pool["failure"]:
                return {"failure": pool["failure"]}
    fits = {role: fit_role(folder, scope, role, arms[role], plan, raw) for role in ROLES}
    return {"failure": None, **fits}


def fit_role(
    folder: StudyFolder, scope: str, role: str, arm: Arm, plan: Plan, raw: str | None
) -> dict[str, Any]:
    """Fit one arm on a scope and keep its data files there."""
    place = folder.scope(scope)
    ships = scope == "shipped" and role == "model"
    return current_pool().run(
        "tasks.fits.final:fit_final",
        folder=str(place),
        arm=arm.to_dict(),
        export_to=str(place / role),
        training_to=str(folder.path / "training.parquet") if ships else None,
        raw=raw if ships else None,
        n_jobs=plan.threads_per_fit,
    )


@task(task_run_name="package", cache_policy=NO_CACHE)
def package(folder: StudyFolder, arms: dict[str, Arm]) -> None:
    """Pack the fits as portable models: the shipped pair, and the evaluated pair beside it."""
    places = {"shipped": folder.path, "evaluated": folder.path / "evaluated"}
    for scope, place in places.items():
        schema = Scope(folder.scope(scope)).context.schema
        for role, arm in arms.items():
            target = place / role
            if target.exists():
                shutil.rmtree(target)
            metadata = {"arm": arm.name, "fit": scope}
            save_pyfunc(folder.scope(scope) / role, arm.model, schema, target, metadata)

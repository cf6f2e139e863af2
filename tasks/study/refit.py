"""Fit the arm that ships, and the best arm on real rows only, on whole scopes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.verdict import Verdict, decide
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.fits.cached import cached_final
from realmix.tasks.fits.scope import TRAINING, Scope, free_rows
from realmix.tasks.runtime.shared_storage import at_hand, bring, key_of, share, share_file
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.package import save_pyfunc
from realmix.tasks.study.race import results
from realmix.tasks.study.synthesize import fit_teacher, synthesize


@task(task_run_name="refit-{scope}", cache_policy=NO_CACHE)
def refit(
    folder: StudyFolder, scope: str, arms: dict[str, Arm], plan: Plan, raw: str | None = None
) -> dict[str, Any]:
    """Fit both arms on all rows of a scope; a synthesizer that fails is reported, not raised.

    Parameters
    ----------
    folder : StudyFolder
    scope : {"evaluated", "shipped"}
        Development rows only, or all rows.
    arms : dict
        Role ("model", "real_only") to arm.
    plan : Plan
    raw : str, optional
        Parquet file of all raw rows, for the shipped training table, as :func:`share_file` names it.

    Returns
    -------
    dict
        The :class:`~realmix.tasks.core.mixes.fit_result.FitResult` by role; ``failure`` is the reason why
        the mix could not be made, or None.
    """
    raw = raw if scope == "shipped" else None
    with at_hand(folder, scope, gives=final_step(arms), also=(raw,) if raw else ()) as here:
        return fit_arms(here, scope, arms, plan, raw)


def fit_arms(
    folder: StudyFolder, scope: str, arms: dict[str, Arm], plan: Plan, raw: str | None
) -> dict[str, Any]:
    """Fit both arms in a folder that has the files of the scope; see :func:`refit`."""
    n_real = len(Scope(folder.scope(scope)).read_array(TRAINING))
    arms = {role: affordable(arm, plan, n_real) for role, arm in arms.items()}
    if any(arm.needs_teacher for arm in arms.values()):
        fit_teacher.fn(folder, scope, plan)
    for mix in dict.fromkeys(arm.mix for arm in arms.values()):
        if mix.synthesizer:
            pool = synthesize.fn(folder, scope, mix.synthesizer, plan, max_ratio=mix.synthetic_ratio)
            if pool.failure:
                return {"failure": pool.failure}
    table = folder.path / raw if raw else None
    fits = {"model": cached_final(folder, scope, "model", arms["model"], plan, raw=table)}
    if arms["real_only"] == arms["model"]:
        place = folder.scope(scope)
        shutil.rmtree(place / "real_only", ignore_errors=True)
        shutil.copytree(place / "model", place / "real_only")
        return {"failure": None, **fits, "real_only": fits["model"]}
    fits["real_only"] = cached_final(folder, scope, "real_only", arms["real_only"], plan, raw=None)
    return {"failure": None, **fits}


def affordable(arm: Arm, plan: Plan, n_real: int) -> Arm:
    """Return the arm with at most as many synthetic rows as the plan allows in a final fit.

    The total weight of its synthetic rows stays: the weight of a mix does not depend on its ratio.
    """
    most = plan.max_synthetic_rows
    if most is None or arm.mix.synthetic_ratio * n_real <= most:
        return arm
    return replace(arm, mix=replace(arm.mix, synthetic_ratio=most / n_real))


@task(task_run_name="package", cache_policy=NO_CACHE)
def package(folder: StudyFolder, arms: dict[str, Arm], thresholds: Mapping[str, float | None]) -> None:
    """Package the fits on all rows as MLflow models, and in ``evaluated/`` those on development rows.

    `thresholds` by role decide the labels that both fits of an arm serve.
    """
    places = {"shipped": folder.path, "evaluated": folder.path / "evaluated"}
    for scope, place in places.items():
        context = Scope(folder.scope(scope)).context
        for role, arm in arms.items():
            target = place / role
            if target.exists():
                shutil.rmtree(target)
            metadata = {
                "arm": arm.name,
                "fit": scope,
                "snapshot": context.snapshot,
                "synthesizer": arm.mix.synthesizer,
                "has_synthetic_data": arm.mix.synthesizer is not None,
            }
            fit = folder.scope(scope) / role
            save_pyfunc(fit, arm.model, context.schema, target, metadata, threshold=thresholds[role])


FINAL_SCOPES = ("evaluated", "shipped")


def final_step(arms: Mapping[str, Arm]) -> str:
    """Name the step that fits what ships: it runs again with real only where the mix failed."""
    return f"final-{arms['model'].name}"


def final_fits(folder: StudyFolder, arms: dict[str, Arm], plan: Plan, table: Table) -> dict[str, Any]:
    """Fit what ships on development rows and on all rows, in parallel.

    Returns
    -------
    dict
        The result of :func:`refit` by scope; ``failed`` lists the reasons of fits that failed.
    """
    raw = share_file(folder, table.snapshot.path)
    share(folder, *FINAL_SCOPES)
    for scope in FINAL_SCOPES:  # files of a mix that failed on the other one, or of an interrupted run
        for role in arms:
            shutil.rmtree(folder.scope(scope) / role, ignore_errors=True)
    free_rows()  # both fits run beside each other, which is where the memory of a study peaks
    done = results([refit.submit(folder, scope, arms, plan, raw) for scope in FINAL_SCOPES])
    bring(folder, [key_of(scope, final_step(arms)) for scope in FINAL_SCOPES])
    fits: dict[str, Any] = dict(zip(FINAL_SCOPES, done, strict=True))
    failed = [
        f"{arms['model'].name} on {scope} rows: {fit['failure']}"
        for scope, fit in fits.items()
        if fit["failure"]
    ]
    return {**fits, "failed": failed}


def fit_winner(
    folder: StudyFolder, comparison: Comparison, verdict: Verdict, plan: Plan, table: Table
) -> tuple[dict[str, Any], Verdict]:
    """Make the final fits of a study; see :func:`final_fits`.

    A synthesizer that worked in every fold can still fail here: then real only ships.
    """
    fits = final_fits(folder, arms_of(comparison, verdict), plan, table)
    if not fits["failed"]:
        return fits, verdict
    veto = f"the final fit failed of {fits['failed'][0]}"
    real_only = decide(comparison, margin=comparison.margin, vetoes=[veto])
    again, verdict = fit_winner(folder, comparison, real_only, plan, table)
    return {**again, "failed": [*fits["failed"], *again["failed"]]}, verdict


def arms_of(comparison: Comparison, verdict: Verdict) -> dict[str, Arm]:
    """Return the two arms of the final fits by their roles."""
    return {"model": verdict.ships, "real_only": comparison.incumbent}


def thresholds_of(comparison: Comparison, arms: Mapping[str, Arm]) -> dict[str, float | None]:
    """Return by role the threshold with which an arm is scored on the holdout and served."""
    return {role: comparison.thresholds.get(arm.name) for role, arm in arms.items()}

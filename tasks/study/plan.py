"""Make the plan of a study from its budget, or read the plan that is to be replayed."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import ModelSpec, SynthesizerSpec, TeacherSpec
from realmix.tasks.core.decision.race import is_raced
from realmix.tasks.core.plan.corrections import corrections_from, observed
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.extend_plan import extend_plan
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.plan import Asked, Plan, Split, TableShape
from realmix.tasks.core.plan.priors import FoldSizes, expected_provable_gain
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Device
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.words import gain_in_words
from realmix.tasks.fits.machine_speed import REFERENCE_SECONDS
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.plugins import specs_for
from realmix.tasks.runtime.cache import Cache, cache_at
from realmix.tasks.runtime.cache_keys import entry_key
from realmix.tasks.runtime.memory import usable_bytes
from realmix.tasks.runtime.study_folder import StudyFolder, Table, home
from realmix.tasks.runtime.timings import note_timing, read_timings
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.request import (
    available_synthesizers,
    check_plan,
    deciding_metric,
    read_plan,
    shape_of,
    weights_of,
)
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.teachers import TEACHERS

log = logging.getLogger("realmix")


@task(task_run_name="plan", cache_policy=NO_CACHE)
def plan_study(
    request: StudyRequest, table: Table, split: Split, rule: HoldoutRule, folder: StudyFolder, y: np.ndarray
) -> Plan:
    """Write ``plan.json``: made from the budget, or the plan that is to be replayed."""
    on_gpu = StudyContext.read(folder.work / "context.json").on_gpu
    if request.plan:
        plan = read_plan(Path(request.plan))
        check_plan(plan, table.card, table.schema, split.n_all)
    elif folder.cache:
        plan = cached_plan(request, table, split, rule, y, cache_at(folder.cache))
    else:
        shape = table_shape(table, split, y)
        plan = new_plan(request, table, shape, rule, costs_here(table.card, request.began))
    plan = dataclasses.replace(plan, on_gpu=on_gpu)
    folder.write_json("plan.json", plan.to_dict())
    current_workers().preload(libraries(plan))
    return plan


def libraries(plan: Plan) -> list[str]:
    """Return the modules that the synthesizers of a plan import, each once."""
    return list(dict.fromkeys(name for each in plan.synthesizers for name in SYNTHESIZERS[each].libraries))


def note_seconds(plan: Plan, seconds: Mapping[str, float]) -> None:
    """Store how far the estimate of a plan was off, for the plans of later studies in this home."""
    if entry := observed(plan.estimate_seconds, plan.corrections, seconds):
        note_timing(home(), entry)


def trained_on_gpu(device: Device) -> tuple[str, ...]:
    """Return the synthesizers and models that the requested device trains instead of the CPU.

    Examples
    --------
    >>> trained_on_gpu("cpu"), "ctgan" in trained_on_gpu("cuda")
    ((), True)
    """
    return tuple(gpu_libraries()) if device == "cuda" else ()


def gpu_libraries() -> dict[str, str]:
    """Return the library that can train it on a GPU, by name of plug-in; others are left out."""
    plugins: list[SynthesizerSpec | ModelSpec | TeacherSpec] = [
        *SYNTHESIZERS.values(),
        *MODELS.values(),
        *TEACHERS.values(),
    ]
    return {plugin.name: plugin.gpu_library for plugin in plugins if plugin.gpu_library}


def on_usable_gpu(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return which of the synthesizers and models every machine can train on a GPU; log the others."""
    if not wanted:
        return ()
    usable = set.intersection(
        *map(set, current_workers().everywhere("realmix.tasks.fits.gpu:usable_libraries"))
    )
    library = gpu_libraries()
    if on_cpu := [name for name in wanted if library[name] not in usable]:
        libraries = " and ".join(sorted({library[name] for name in on_cpu}))
        log.warning("no GPU that %s can use here, trained on the processor: %s", libraries, ", ".join(on_cpu))
    return tuple(name for name in wanted if name not in on_cpu)


def cached_plan(
    request: StudyRequest, table: Table, split: Split, rule: HoldoutRule, y: np.ndarray, cache: Cache
) -> Plan:
    """Return the plan made before for this request, else make and cache a new one.

    A request keeps its plan because another timing of the machine would change it. If possible, a new
    plan extends the last one for the same request with fewer synthesizers.
    """
    asked = request.decides()
    decided_by = {
        "snapshot": table.snapshot.digest,
        "schema": table.schema.to_dict(),
        "available": available_synthesizers(table.card, table.schema),
        "deploy": table.card.deploy.model_dump(),
        "pretrained": pretrained_here(request, table),
        "holdout": rule.to_dict(),
        "n_workers": current_workers().n_workers,
    }
    key = entry_key(kind="plan", asked=asked, **decided_by)
    family = entry_key(kind="plans", asked={**asked, "synthesizers": None}, **decided_by)
    if found := cache.get(key):
        return Plan.from_dict(found)
    shape, costs = table_shape(table, split, y), costs_here(table.card, request.began)
    plan = extended_plan(request, cache.get(family), shape, costs)
    plan = plan or new_plan(request, table, shape, rule, costs)
    cache.put(key, plan.to_dict())
    cache.put(family, plan.to_dict())
    return plan


def extended_plan(
    request: StudyRequest, former: dict[str, Any] | None, shape: TableShape, costs: Costs
) -> Plan | None:
    """Return the former plan with the new synthesizers added; None if there is none that can be extended."""
    if former is None or request.synthesizers is None:
        return None
    plan = extend_plan(
        Plan.from_dict(former), request.synthesizers, shape, costs, budget_seconds=request.budget_seconds
    )
    if plan:
        log.info("this plan extends an earlier study of the table; its results are reused")
    return plan


def new_plan(request: StudyRequest, table: Table, shape: TableShape, rule: HoldoutRule, costs: Costs) -> Plan:
    """Plan the largest study that fits the budget, with the gain that its folds are expected to prove."""
    plan = make_plan(
        shape,
        costs,
        asked=Asked(
            request.synthesizers,
            request.ratios,
            request.models,
            request.first,
            table.card.deploy,
            bool(table.card.monotone),
            request.teachers or table.card.teachers,
        ),
        available=available_synthesizers(table.card, table.schema),
        metric=deciding_metric(request, table.card, table.schema).name,
        holdout=rule,
        budget_seconds=request.budget_seconds,
        seed=request.seed,
        n_workers=current_workers().n_workers,
    )
    return with_expected_gain(dataclasses.replace(plan, pretrained=pretrained_here(request, table)))


def pretrained_here(request: StudyRequest, table: Table) -> dict[str, str]:
    """Return the digest of the weights of each teacher from outside that a study uses."""
    return weights_of(request.teachers or table.card.teachers, table.schema)


def costs_here(card: DataCard, began: float | None) -> Costs:
    """Return the cost table for this machine now: scaled by a timing probe, corrected by earlier studies.

    Parameters
    ----------
    card : DataCard
    began : float or None
        When the study was asked for, see :class:`~realmix.tasks.core.table.request.StudyRequest`.
    """
    raced = frozenset(name for name, metric in METRICS.items() if is_raced(metric, n_repeats=2))
    return Costs(
        specs_for(SYNTHESIZERS, card),
        specs_for(MODELS, card),
        machine_speed(),
        raced,
        usable_bytes(),
        start_seconds=None if began is None else round(time.time() - began, 1),
        corrections=corrections_from(read_timings(home())),
        teachers=specs_for(TEACHERS, card),
    )


def with_expected_gain(plan: Plan) -> Plan:
    """Add to a plan the smallest gain that its folds can be expected to prove."""
    sizes = FoldSizes(plan.n_development, plan.n_folds, plan.n_repeats, plan.forward)
    metric = METRICS[plan.metric]
    expected = expected_provable_gain(
        plan.task, sizes, is_relative=metric.margin_is_relative, margin=metric.margin
    )
    return dataclasses.replace(plan, expected_provable_gain=expected)


def table_shape(table: Table, split: Split, y: np.ndarray) -> TableShape:
    """Describe the table as far as the cost of a study depends on it."""
    rarest = float(np.bincount(y).min() / len(y)) if table.schema.is_classification else 1.0
    return shape_of(table.schema, table.card, split.n_all, split.n_development, rarest_share=rarest)


def machine_speed() -> float:
    """Measure the seconds here per second of the reference machine, with all workers busy."""
    workers = current_workers()
    probe = "realmix.tasks.fits.machine_speed:probe"
    with ThreadPoolExecutor(workers.n_workers) as threads:
        seconds = list(threads.map(lambda _: workers.run(probe), range(workers.n_workers)))
    return round(max(seconds) / REFERENCE_SECONDS, 2)


def announce(plan: Plan) -> None:
    """Log what will be run, and what the budget leaves out."""
    mixes, seconds = sum(1 for _ in plan.mixes()), sum(plan.estimate_seconds.values())
    log.info(
        "plan: %d rows, %d folds x %d, %d mixes, models %s, synthesizers %s; about %.0f s in all",
        plan.n_development,
        plan.n_folds,
        plan.n_repeats,
        mixes,
        ", ".join(plan.models),
        ", ".join(plan.synthesizers),
        seconds,
        extra={"progress": {"planned_seconds": seconds}},
    )
    if plan.left_out:
        log.info("left out: %s", "; ".join(plan.left_out))
    provable = gain_in_words(plan.expected_provable_gain, METRICS[plan.metric].margin_is_relative)
    log.info("smallest provable gain: %s (expected; the verdict says the measured one)", provable)

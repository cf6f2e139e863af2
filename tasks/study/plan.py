"""Turn the budget into a plan, or replay one."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import ModelSpec, SynthesizerSpec
from realmix.tasks.core.decision.race import is_raced
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.extend_plan import extend_plan
from realmix.tasks.core.plan.make_plan import make_plan
from realmix.tasks.core.plan.plan import Asked, Plan, Split, TableShape
from realmix.tasks.core.plan.priors import FoldSizes, expected_provable_gain
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import Device
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.words import gain_in_words
from realmix.tasks.fits.machine_speed import REFERENCE_SECONDS
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.models._preprocessing import MAX_LEVELS
from realmix.tasks.runtime.cache import Cache, cache_at
from realmix.tasks.runtime.cache_keys import entry_key
from realmix.tasks.runtime.memory import most_workers, usable_bytes
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.request import available_synthesizers, check_plan, deciding_metric, read_plan
from realmix.tasks.synthesizers import SYNTHESIZERS

log = logging.getLogger("realmix")


@task(task_run_name="plan", cache_policy=NO_CACHE)
def plan_study(
    request: StudyRequest, table: Table, split: Split, rule: HoldoutRule, folder: StudyFolder, y: np.ndarray
) -> Plan:
    """Write ``plan.json``: from the budget, or the one that is to be replayed."""
    on_gpu = StudyContext.read(folder.work / "context.json").on_gpu
    if request.plan:
        plan = read_plan(Path(request.plan))
        check_plan(plan, table.schema)
    elif folder.cache:
        plan = cached_plan(request, table, split, rule, y, cache_at(folder.cache))
    else:
        plan = new_plan(request, table, table_shape(table, split, y), rule, costs_here())
    plan = dataclasses.replace(plan, on_gpu=on_gpu)
    folder.write_json("plan.json", plan.to_dict())
    return plan


def trained_on_gpu(device: Device) -> tuple[str, ...]:
    """Generators and learners that a device other than the processor is for.

    Examples
    --------
    >>> trained_on_gpu("cpu"), "ctgan" in trained_on_gpu("cuda")
    ((), True)
    """
    return tuple(gpu_libraries()) if device == "cuda" else ()


def gpu_libraries() -> dict[str, str]:
    """Library that can train a generator or learner on a GPU, by the name of those that one can."""
    plugins: list[SynthesizerSpec | ModelSpec] = [*SYNTHESIZERS.values(), *MODELS.values()]
    return {plugin.name: plugin.gpu_library for plugin in plugins if plugin.gpu_library}


def on_usable_gpu(wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the wanted generators and learners that a GPU can train on each machine; says which it cannot."""
    if not wanted:
        return ()
    usable = set.intersection(
        *map(set, current_workers().everywhere("realmix.tasks.fits.gpu:usable_libraries"))
    )
    library = gpu_libraries()
    if left := [name for name in wanted if library[name] not in usable]:
        blamed = " and ".join(sorted({library[name] for name in left}))
        log.warning("no GPU that %s can use here, trained on the processor: %s", blamed, ", ".join(left))
    return tuple(name for name in wanted if name not in left)


def cached_plan(
    request: StudyRequest, table: Table, split: Split, rule: HoldoutRule, y: np.ndarray, cache: Cache
) -> Plan:
    """The plan once made for this request, which another timing of the machine would change; else a new one.

    A new plan goes on from the last one for the same request with fewer synthesizers, where it can.
    """
    asked = request.decides()
    decided_by = {
        "snapshot": table.snapshot.digest,
        "schema": table.schema.to_dict(),
        "available": available_synthesizers(table.card, table.schema),
        "holdout": rule.to_dict(),
        "n_workers": current_workers().n_workers,
    }
    key = entry_key(kind="plan", asked=asked, **decided_by)
    family = entry_key(kind="plans", asked={**asked, "synthesizers": None}, **decided_by)
    if found := cache.get(key):
        return Plan.from_dict(found)
    shape, costs = table_shape(table, split, y), costs_here()
    plan = extended_plan(request, cache.get(family), shape, costs)
    plan = plan or new_plan(request, table, shape, rule, costs)
    cache.put(key, plan.to_dict())
    cache.put(family, plan.to_dict())
    return plan


def extended_plan(
    request: StudyRequest, former: dict[str, Any] | None, shape: TableShape, costs: Costs
) -> Plan | None:
    """The former plan with the synthesizers that are new; None where there is none to go on from."""
    if former is None or request.synthesizers is None:
        return None
    plan = extend_plan(
        Plan.from_dict(former), request.synthesizers, shape, costs, budget_seconds=request.budget_seconds
    )
    if plan:
        log.info("goes on from an earlier study of this table: what it computed serves again")
    return plan


def new_plan(request: StudyRequest, table: Table, shape: TableShape, rule: HoldoutRule, costs: Costs) -> Plan:
    """The richest study that fits the budget, with what its folds can be expected to prove."""
    plan = make_plan(
        shape,
        costs,
        asked=Asked(request.synthesizers, request.ratios, request.models, request.first),
        available=available_synthesizers(table.card, table.schema),
        metric=deciding_metric(request, table.schema).name,
        holdout=rule,
        budget_seconds=request.budget_seconds,
        seed=request.seed,
        n_workers=current_workers().n_workers,
    )
    return with_expected_gain(plan)


def costs_here() -> Costs:
    """The cost table, scaled to this machine by one timing probe."""
    return Costs(SYNTHESIZERS, MODELS, machine_speed(), raced_metrics(), usable_bytes())


def with_expected_gain(plan: Plan) -> Plan:
    """Keep beside a plan what its folds can be expected to prove."""
    sizes = FoldSizes(plan.n_development, plan.n_folds, plan.n_repeats, plan.forward)
    expected = expected_provable_gain(plan.task, sizes, is_relative=METRICS[plan.metric].margin_is_relative)
    return dataclasses.replace(plan, expected_provable_gain=expected)


def table_shape(table: Table, split: Split, y: np.ndarray) -> TableShape:
    """What the cost of a study depends on."""
    schema = table.schema
    rarest = float(np.bincount(y).min() / len(y)) if schema.is_classification else 1.0
    return TableShape(
        n_all=split.n_all,
        n_development=split.n_development,
        n_columns=len(schema.features),
        n_classes=len(schema.classes) or 1,
        task=schema.task,
        rarest_share=rarest,
        has_time=schema.with_role("time") is not None,
        n_levels=sum(min(len(c.levels), MAX_LEVELS) + 2 for c in schema.features if c.is_categorical),
    )


def n_workers() -> int:
    """One worker process per core this process may use, and no more than the machine's memory holds."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(n_cores, most_workers())


def raced_metrics() -> frozenset[str]:
    """Metrics whose studies are raced."""
    return frozenset(name for name, metric in METRICS.items() if is_raced(metric, n_repeats=2))


def machine_speed() -> float:
    """Seconds here per second of the reference machine, with all workers busy."""
    pool = current_workers()
    with ThreadPoolExecutor(pool.n_workers) as threads:
        seconds = list(
            threads.map(lambda _: pool.run("realmix.tasks.fits.machine_speed:probe"), range(pool.n_workers))
        )
    return round(max(seconds) / REFERENCE_SECONDS, 2)


def announce(plan: Plan) -> None:
    """Say what will be run, and what the budget left out."""
    mixes = sum(1 for _ in plan.mixes())
    log.info(
        "plan: %d rows, %d folds x %d, %d mixes, learners %s, synthesizers %s; about %.0f s in all",
        plan.n_development,
        plan.n_folds,
        plan.n_repeats,
        mixes,
        ", ".join(plan.models),
        ", ".join(plan.synthesizers),
        sum(plan.estimate_seconds.values()),
    )
    if plan.left_out:
        log.info("left out: %s", "; ".join(plan.left_out))
    provable = gain_in_words(plan.expected_provable_gain, METRICS[plan.metric].margin_is_relative)
    log.info("smallest gain these rows can be expected to prove: %s (expected, before the race)", provable)

"""Turn the budget into a plan, or replay one."""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.config import StudyRequest
from tasks.core.costs import Costs
from tasks.core.planning import make_plan
from tasks.core.plans import Asked, Plan, TableShape
from tasks.core.priors import FoldSizes, expected_provable_gain
from tasks.core.racing import is_raced
from tasks.core.splitting import HoldoutRule
from tasks.core.study import Split, StudyFolder, Table
from tasks.core.workers import current_pool
from tasks.fits.probe import REFERENCE_SECONDS
from tasks.inputs import available_synthesizers, check_plan, deciding_metric, read_plan
from tasks.metrics import METRICS
from tasks.models import MODELS
from tasks.synthesizers import SYNTHESIZERS


@task(task_run_name="plan", cache_policy=NO_CACHE)
def plan_study(
    request: StudyRequest, table: Table, split: Split, rule: HoldoutRule, folder: StudyFolder, y: np.ndarray
) -> Plan:
    """Write ``plan.json``: from the budget, or the one that is to be replayed."""
    if request.plan:
        plan = read_plan(Path(request.plan))
        check_plan(plan, table.schema)
    else:
        plan = make_plan(
            table_shape(table, split, y),
            Costs(SYNTHESIZERS, MODELS, machine_speed(), raced_metrics()),
            asked=Asked(request.synthesizers, request.ratios, request.models),
            available=available_synthesizers(table.card, table.schema),
            metric=deciding_metric(request, table.schema).name,
            holdout=rule,
            budget_seconds=request.budget_seconds,
            seed=request.seed,
            n_workers=n_workers(),
        )
        plan = with_expected_gain(plan)
    folder.write_json("plan.json", plan.to_dict())
    return plan


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
    )


def n_workers() -> int:
    """One worker process per core this process may use."""
    return max(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 1)


def raced_metrics() -> frozenset[str]:
    """Metrics whose studies are raced."""
    return frozenset(name for name, metric in METRICS.items() if is_raced(metric, n_repeats=2))


def machine_speed() -> float:
    """Seconds here per second of the reference machine, with all workers busy."""
    pool = current_pool()
    with ThreadPoolExecutor(n_workers()) as threads:
        seconds = list(threads.map(lambda _: pool.run("tasks.fits.probe:probe"), range(n_workers())))
    return round(max(seconds) / REFERENCE_SECONDS, 2)

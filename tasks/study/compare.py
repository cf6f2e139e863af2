"""Compare all arms (a mix of training rows and a model) by their out-of-fold predictions, and decide."""

from __future__ import annotations

from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.verdict import Verdict, decide
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.plan.plan import Layout
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.generalise import generalise
from realmix.tasks.study.out_of_fold import failed_arms, failed_mixes, null_models, out_of_fold
from realmix.tasks.study.race import batches


@task(task_run_name="compare", cache_policy=NO_CACHE)
def compare_arms(
    folder: StudyFolder, layout: Layout, pools: list[dict[str, Any]], trained: list[dict[str, Any]]
) -> tuple[Comparison, Verdict]:
    """Compare the out-of-fold predictions of all arms, and decide."""
    plan = layout.plan
    context = StudyContext.read(folder.work / "context.json")
    failed = failed_mixes(plan, pools)
    oof = out_of_fold(folder, layout, batches(plan), failed | failed_arms(trained), trained)
    store_out_of_fold(oof, folder)
    metric = METRICS[plan.metric]
    comparison = compare(
        oof,
        metric,
        seed=derive_seed(context.snapshot, plan.seed, "bootstrap"),
        n_bootstrap=plan.n_bootstrap,
        null_models=null_models(),
        extra_metrics=side_metrics(context, metric),
    )
    generalisation, vetoes = generalise(folder, layout, oof, comparison)
    folder.write_json("work/generalisation.json", to_jsonable(generalisation))
    return comparison, decide(comparison, margin=metric.margin, vetoes=vetoes)


def store_out_of_fold(oof: OutOfFold, folder: StudyFolder) -> None:
    """Write the matrix of out-of-fold predictions, from which later steps compute."""
    np.save(folder.work / "out-of-fold.npy", oof.predictions, allow_pickle=False)
    folder.write_json("work/out-of-fold.json", {"arms": [arm.name for arm in oof.arms]})


def side_metrics(context: StudyContext, deciding: MetricSpec) -> list[MetricSpec]:
    """Return every other metric of the task, to be reported beside the deciding one."""
    return [
        spec for spec in METRICS.values() if context.schema.task in spec.tasks and spec.name != deciding.name
    ]

"""Assemble the out-of-fold matrix, decide, and read the holdout once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.arms import Arm
from tasks.core.comparison import Comparison, OutOfFold, compare
from tasks.core.plans import Plan
from tasks.core.plugins import MetricSpec
from tasks.core.realised import score_holdout
from tasks.core.seeds import derive_seed
from tasks.core.study import Layout, StudyFolder
from tasks.core.verdict import Verdict, decide
from tasks.fits.scope import Scope, StudyContext
from tasks.metrics import METRICS
from tasks.models import MODELS, _serving


def batches(plan: Plan) -> dict[str, list[Arm]]:
    """Arms by the pool they draw on; "real-only" draws on none.

    Returns
    -------
    dict
        Name of the batch to its arms, arms of one mix side by side.
    """
    null = null_models()
    grouped: dict[str, list[Arm]] = {}
    for mix in plan.mixes():
        grouped.setdefault(mix.synthesizer or "real-only", []).extend(plan.arms_of(mix, tuple(null)))
    return grouped


def null_models() -> frozenset[str]:
    """Learners that know no feature."""
    return frozenset(name for name, spec in MODELS.items() if spec.is_null)


@task(task_run_name="compare", cache_policy=NO_CACHE)
def compare_arms(
    folder: StudyFolder, layout: Layout, pools: list[dict[str, Any]], trained: list[dict[str, Any]]
) -> tuple[Comparison, Verdict]:
    """Put every arm's out-of-fold predictions side by side and decide."""
    plan = layout.plan
    context = StudyContext.read(folder.work / "context.json")
    failed = failed_mixes(plan, pools)
    oof = out_of_fold(folder, layout, failed | failed_arms(trained))
    keep(oof, folder)
    metric = METRICS[plan.metric]
    comparison = compare(
        oof,
        metric,
        seed=derive_seed(context.snapshot, plan.seed, "bootstrap"),
        n_bootstrap=plan.n_bootstrap,
        null_models=null_models(),
        extra_metrics=side_metrics(context, metric),
    )
    return comparison, decide(comparison, margin=metric.margin)


def failed_mixes(plan: Plan, pools: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Reason of every mix that lost its pool in any fold."""
    reasons: dict[str, str] = {}
    for pool in pools:
        if pool["failure"]:
            for mix in plan.mixes_of(pool["synthesizer"]):
                reasons.setdefault(mix.name, f"{pool['failure']} (in {pool['scope']})")
    return reasons


def failed_arms(trained: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Reason of every arm whose learner failed in any fold."""
    return {arm: reason for batch in trained for arm, reason in batch["failures"].items()}


def out_of_fold(folder: StudyFolder, layout: Layout, failed: dict[str, str]) -> OutOfFold:
    """Read the predictions of every arm that is still in."""
    context = StudyContext.read(folder.work / "context.json")
    schema, plan = context.schema, layout.plan
    rows = pd.read_parquet(folder.work / "development.parquet")
    folds = np.load(folder.work / "folds.npy")
    weight = np.load(folder.work / "development-weight.npy")
    groups = np.load(folder.work / "groups.npy")
    matrices, arms = [], []
    for batch, of_batch in batches(plan).items():
        kept = [i for i, arm in enumerate(of_batch) if not {arm.name, arm.mix.name} & failed.keys()]
        if kept:
            arms += [of_batch[i] for i in kept]
            matrices.append(_batch_matrix(folder, layout, batch, kept, folds, len(schema.classes)))
    return OutOfFold(
        arms=tuple(arms),
        y=schema.encode_target(rows),
        folds=folds,
        predictions=np.concatenate(matrices),
        n_train=float(np.mean([len(Scope(folder.scope(b.scope)).training) for b in layout.blocks])),
        groups=groups if len(np.unique(groups)) < len(groups) else None,
        sample_weight=None if np.all(weight == 1) else weight,
        disqualified=failed,
    )


def keep(oof: OutOfFold, folder: StudyFolder) -> None:
    """Keep the matrix: whatever is asked of the arms later is arithmetic on it."""
    np.save(folder.work / "out-of-fold.npy", oof.predictions, allow_pickle=False)
    folder.write_json("work/out-of-fold.json", {"arms": [arm.name for arm in oof.arms]})


def side_metrics(context: StudyContext, deciding: MetricSpec) -> list[MetricSpec]:
    """Every other metric of the task, for the record."""
    return [
        spec for spec in METRICS.values() if context.schema.task in spec.tasks and spec.name != deciding.name
    ]


@task(task_run_name="read-holdout", cache_policy=NO_CACHE)
def read_holdout(folder: StudyFolder, plan: Plan) -> dict[str, Any] | None:
    """Score the two evaluated fits on the holdout: the only place where it is read.

    Returns
    -------
    dict or None
        None where there is no holdout.
    """
    context = StudyContext.read(folder.work / "context.json")
    schema = context.schema
    rows = pd.read_parquet(folder.work / "holdout.parquet")
    if rows.empty:
        return None
    scope = Scope(folder.scope("evaluated"))
    return score_holdout(
        schema.encode_target(rows),
        predict_exported(scope, "model", rows),
        predict_exported(scope, "real_only", rows),
        METRICS[plan.metric],
        seed=derive_seed(context.snapshot, plan.seed, "holdout"),
        groups=np.load(folder.work / "holdout-groups.npy"),
        sample_weight=np.load(folder.work / "holdout-weight.npy"),
    )


def predict_exported(scope: Scope, role: str, rows: pd.DataFrame) -> np.ndarray:
    """Predict canonical rows with an exported fit, and keep the predictions for the figures."""
    folder = scope.folder / role
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))["model"]
    features = rows[scope.context.schema.feature_names]
    predicted = _serving.predict(features, spec, _serving.load_state(folder, spec))
    scope.write_array(f"{role}-holdout.npy", predicted)
    return predicted


def _batch_matrix(
    folder: StudyFolder, layout: Layout, batch: str, kept: list[int], folds: np.ndarray, n_classes: int
) -> np.ndarray:
    """Predictions of a batch, of shape (n_kept, n_repeats, n_rows[, n_classes])."""
    shape = (len(kept), *folds.shape) + ((n_classes,) if n_classes else ())
    matrix = np.full(shape, np.nan)
    for block in layout.blocks:
        predicted = Scope(folder.scope(block.scope)).read_array(f"predictions-{batch}.npy")[kept]
        matrix[:, block.repeat, folds[block.repeat] == block.fold] = predicted
    return matrix

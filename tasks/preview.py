"""Worth trying? The steps of a preview: read, split, fit what is cheap, judge."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.core.config import StudyRequest
from tasks.core.costs import Costs
from tasks.core.preview import CHEAP_MIXES, Preview, judge, preview_arms, preview_plan, sizes_of, study_sizes
from tasks.core.scores import OutOfFold
from tasks.core.splitting import register_holdout
from tasks.core.study import Layout, Split, StudyFolder, Table
from tasks.core.workers import WorkerPool
from tasks.evaluate import null_models
from tasks.fits.preview import BATCH
from tasks.fits.scope import Scope
from tasks.ingest import stored_table
from tasks.inputs import check_names, deciding_metric
from tasks.metrics import METRICS
from tasks.models import MODELS
from tasks.plan import n_workers, table_shape
from tasks.split import frozen_rule, lay_folds, split_holdout
from tasks.synthesizers import SYNTHESIZERS

log = logging.getLogger("realmix")


def preview(request: StudyRequest, place: Path) -> tuple[Table, Split, Preview]:
    """Say what cheap arms find on a table's development rows; the holdout is set aside unread.

    Parameters
    ----------
    request : StudyRequest
        Only what concerns reading, metric and seed counts.
    place : Path
        Folder that takes rows and fits, and is removed afterwards; nothing else is written.

    Returns
    -------
    table : Table
    split : Split
    preview : Preview

    Raises
    ------
    RealmixError
        As a study would, where the table cannot be used.
    """
    table, folder = stored_table(request, place / "snapshots"), StudyFolder(place)
    check_names(request, table.card, table.schema)
    raw = table.snapshot.read()
    rule = frozen_rule(table, raw) or register_holdout(raw, table.schema)
    split, rule = split_holdout.fn(table, folder, rule=rule, seed=request.seed)
    y = table.schema.encode_target(Scope(folder.scope("evaluated")).training)
    metric = deciding_metric(request, table.schema)
    costs = Costs(SYNTHESIZERS, MODELS)
    plan = preview_plan(
        table_shape(table, split, y), costs, metric=metric.name, holdout=rule, seed=request.seed
    )
    layout = lay_folds.fn(folder, plan)
    log.info(
        "%s: %d of %s rows in %d folds", table.name, plan.n_development, f"{len(raw):,}", len(layout.blocks)
    )
    failed = fit_folds(folder, layout)
    judged = judge(
        out_of_fold(folder, layout, failed),
        METRICS[plan.metric],
        task=plan.task,
        used=sizes_of(layout.plan),
        study=study_sizes(split.n_development, forward=plan.forward),
        null_models=null_models(),
    )
    return table, split, judged


def fit_folds(folder: StudyFolder, layout: Layout) -> dict[str, str]:
    """Fit all folds side by side; the reason of each mix or arm that failed in any."""
    arms = [arm.to_dict() for arm in preview_arms(sorted(null_models()))]
    ratios = {str(mix.synthesizer): mix.synthetic_ratio for mix in CHEAP_MIXES}

    def fit(scope: str) -> dict[str, str]:
        failures: dict[str, str] = pool.run(
            "tasks.fits.preview:preview_fold",
            folder=str(folder.scope(scope)),
            members=list(layout.plan.teacher),
            ratios=ratios,
            arms=arms,
        )
        return failures

    with WorkerPool(n_workers()) as pool, ThreadPoolExecutor(n_workers()) as threads:
        try:
            results = list(threads.map(fit, [block.scope for block in layout.blocks]))
        except BaseException:
            # The waiting threads end with their workers; Ctrl-C must not wait for fits.
            pool.kill()
            raise
    return {name: reason for result in reversed(results) for name, reason in result.items()}


def out_of_fold(folder: StudyFolder, layout: Layout, failed: dict[str, str]) -> OutOfFold:
    """Read the predictions of every arm that failed nowhere."""
    arms = preview_arms(sorted(null_models()))
    kept = [i for i, arm in enumerate(arms) if not {arm.name, arm.mix.name} & failed.keys()]
    schema = Scope(folder.scope("evaluated")).context.schema
    folds, weight = (np.load(folder.work / name) for name in ("folds.npy", "development-weight.npy"))
    y = schema.encode_target(pd.read_parquet(folder.work / "development.parquet"))
    shape = (len(kept), *folds.shape) + ((len(schema.classes),) if schema.is_classification else ())
    matrix, n_train = np.full(shape, np.nan), []
    for block in layout.blocks:
        scope = Scope(folder.scope(block.scope))
        matrix[:, block.repeat, folds[block.repeat] == block.fold] = scope.read_array(f"{BATCH}.npy")[kept]
        n_train.append(len(scope.base_weight))
    return OutOfFold(
        arms=tuple(arms[i] for i in kept),
        y=y,
        folds=folds,
        predictions=matrix,
        n_train=float(np.mean(n_train)),
        sample_weight=None if np.all(weight == 1) else weight,
        disqualified={name: failed[name] for name in sorted(failed)},
    )

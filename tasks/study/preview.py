"""Preview of a study: read and split a table, fit a few cheap arms, and estimate whether a mix may help."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from realmix.tasks.core.decision.preview import (
    Preview,
    PreviewArms,
    judge,
    preview_plan,
    sizes_of,
    study_sizes,
)
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.deploy import competing
from realmix.tasks.core.plan.make_plan import duration, more_time
from realmix.tasks.core.plan.plan import Asked, Layout, Split
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.splits.holdout import register_holdout
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.fits.preview import BATCH
from realmix.tasks.fits.scope import Scope
from realmix.tasks.models import MODELS
from realmix.tasks.plugins import specs_for
from realmix.tasks.runtime.holdout_rules import frozen_rule
from realmix.tasks.runtime.memory import n_workers
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.development import Development
from realmix.tasks.study.plan import table_shape
from realmix.tasks.study.read_table import read_table, stored
from realmix.tasks.study.request import available_synthesizers, check_names, deciding_metric, with_plugins
from realmix.tasks.study.split import development_targets, lay_folds, split_holdout
from realmix.tasks.synthesizers import SYNTHESIZERS

log = logging.getLogger("realmix")
# A budget that many try first.
SHORT_SECONDS = 90.0


def preview(request: StudyRequest, place: Path) -> tuple[Table, Split, Preview]:
    """Estimate from cheap arms on the development rows what a study may find; the holdout is not read.

    Parameters
    ----------
    request : StudyRequest
        Only the fields about reading, metric and seed are used.
    place : Path
        Folder for rows and fits, which the caller removes; nothing is written elsewhere.

    Returns
    -------
    table : Table
    split : Split
    preview : Preview

    Raises
    ------
    RealmixError
        As in a study, if the table cannot be used.
    """
    request = with_plugins(request)
    table, folder = stored(read_table(request, place / "snapshots")), StudyFolder(place)
    check_names(request, table.card, table.schema)
    raw = table.snapshot.read()
    rule = frozen_rule(table, raw) or register_holdout(raw, table.schema)
    split, rule = split_holdout.fn(table, folder, rule=rule, seed=request.seed)
    y = development_targets(folder)
    metric = deciding_metric(request, table.card, table.schema)
    synthesizers, models = (specs_for(each, table.card) for each in (SYNTHESIZERS, MODELS))
    costs = Costs(synthesizers, models)
    shape = table_shape(table, split, y)
    asked = Asked(deploy=table.card.deploy, is_monotone=bool(table.card.monotone))
    competitors, refused = competing(models, shape, asked)
    tried = PreviewArms.of(synthesizers, models, shape.task, competitors)
    plan = preview_plan(shape, costs, tried, metric=metric.name, holdout=rule, seed=request.seed)
    if refused:
        log.info("not deployable: %s", "; ".join(f"{name}: {reason}" for name, reason in refused.items()))
    longer = more_time(
        shape,
        costs,
        asked=asked,
        available=available_synthesizers(table.card, table.schema),
        metric=metric.name,
        holdout=rule,
        budget_seconds=SHORT_SECONDS,
        seed=request.seed,
        n_workers=n_workers(),
    )
    if longer:
        log.info(
            "a study has %s unless --budget says otherwise: %s", duration(request.budget_seconds), longer
        )
    layout = lay_folds.fn(folder, plan)
    log.info(
        "%s: %d of %s rows in %d folds", table.name, plan.n_development, f"{len(raw):,}", len(layout.blocks)
    )
    tried = tried.within(plan)
    failed = fit_folds(folder, layout, tried)
    judged = judge(
        out_of_fold(folder, layout, tried, failed),
        metric,
        task=plan.task,
        used=sizes_of(layout.plan),
        study=study_sizes(split.n_development, forward=plan.forward),
        tried=tried,
    )
    return table, split, judged


def fit_folds(folder: StudyFolder, layout: Layout, tried: PreviewArms) -> dict[str, str]:
    """Fit all folds in parallel; return the reason for each mix or arm that failed in any."""
    arms = [arm.to_dict() for arm in tried.arms()]
    ratios = {str(mix.synthesizer): mix.synthetic_ratio for mix in tried.mixes}

    def fit(scope: str) -> dict[str, str]:
        failures: dict[str, str] = workers.run(
            "realmix.tasks.fits.preview:preview_fold",
            folder=str(folder.scope(scope)),
            members=list(layout.plan.teacher),
            ratios=ratios,
            arms=arms,
        )
        return failures

    with LocalWorkers(n_workers()) as workers, ThreadPoolExecutor(n_workers()) as threads:
        try:
            results = list(threads.map(fit, [block.scope for block in layout.blocks]))
        except BaseException:
            # The waiting threads end with their workers; Ctrl-C must not wait for fits.
            workers.kill()
            raise
    return {name: reason for result in reversed(results) for name, reason in result.items()}


def out_of_fold(folder: StudyFolder, layout: Layout, tried: PreviewArms, failed: dict[str, str]) -> OutOfFold:
    """Read the predictions of every arm that failed in no fold."""
    arms = tried.arms()
    complete = [i for i, arm in enumerate(arms) if not {arm.name, arm.mix.name} & failed.keys()]
    development = Development(folder.work)
    folds, schema = development.folds, development.context.schema
    shape = (len(complete), *folds.shape) + ((len(schema.classes),) if schema.is_classification else ())
    matrix, n_train = np.full(shape, np.nan), []
    for block in layout.blocks:
        scope = Scope(folder.scope(block.scope))
        matrix[:, block.repeat, folds[block.repeat] == block.fold] = scope.read_predictions(f"{BATCH}.npy")[
            complete
        ]
        n_train.append(len(scope.base_weight))
    return OutOfFold(
        arms=tuple(arms[i] for i in complete),
        y=development.y,
        folds=folds,
        predictions=matrix,
        n_train=float(np.mean(n_train)),
        sample_weight=development.sample_weight,
        costs=development.costs,
        disqualified={name: failed[name] for name in sorted(failed)},
    )

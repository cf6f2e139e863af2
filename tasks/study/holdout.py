"""Score the holdout once, with the fits on development rows, which never saw it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.holdout_gain import score_holdout, served_predictions
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.scores.draws import time_blocks
from realmix.tasks.core.scores.out_of_fold import gains
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.fits.scope import GROUP, HOLDOUT, UNIT, WEIGHT, Scope, StudyContext, stored_rows
from realmix.tasks.models import MODELS, _serving
from realmix.tasks.runtime.arrays import read_array
from realmix.tasks.runtime.cache_keys import entry_key
from realmix.tasks.runtime.holdout_ledger import count_holdout_reads
from realmix.tasks.runtime.holdout_rules import registration_path
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.development import COSTS, HOLDOUT_COSTS

# Exported models predict in single precision: a constant must not lose to itself.
ROUNDING = 1e-4


@task(task_run_name="read-holdout", cache_policy=NO_CACHE)
def read_holdout(
    folder: StudyFolder, table: Table, plan: Plan, thresholds: Mapping[str, float | None]
) -> dict[str, Any] | None:
    """Score the two fits on development rows on the holdout: the only place where it is read.

    `thresholds` by role are those that are served.

    Returns
    -------
    dict or None
        From :func:`realmix.tasks.core.decision.holdout_gain.score_holdout`, with `decisions_served`:
        how many studies, this one included, have read its rows, for the least and the most used
        of them. None if there is no holdout.
    """
    context = StudyContext.read(folder.work / "context.json")
    schema = context.schema
    held = stored_rows(folder.work / HOLDOUT)
    rows = held.rows
    if rows.empty:
        return None
    scope, time = Scope(folder.scope("evaluated")), schema.with_role("time")
    reader = entry_key(
        kind="holdout", snapshot=context.snapshot, card=context.card.studied, plan=plan.to_dict()
    )
    registration = registration_path(table.name, table.card, table.schema).stem
    served = count_holdout_reads(registration, reader, held.beside[UNIT])
    metric, y = context.metric(plan.metric), schema.encode_target(rows)
    costs = read_array(folder.work / HOLDOUT_COSTS) if context.card.costs else None
    scored = score_holdout(
        y,
        predict_exported(scope, "model", rows),
        predict_exported(scope, "real_only", rows),
        metric,
        seed=derive_seed(context.snapshot, plan.seed, "holdout"),
        groups=time_blocks(rows[time].to_numpy(), held.beside[GROUP]) if time else held.beside[GROUP],
        sample_weight=held.beside[WEIGHT],
        costs=costs,
        thresholds=(thresholds["model"], thresholds["real_only"]),
    )
    truth = y if costs is None or not metric.scores_costs else costs
    constant = metric.compute(truth, constant_prediction(scope, metric, len(rows)), held.beside[WEIGHT])
    ahead = gains(metric, scored["mix"]["score"], np.asarray(constant))
    scored |= {"constant": float(constant), "loses_to_constant": bool(ahead < -ROUNDING)}
    return scored | {"decisions_served": [int(served.min()), int(served.max())]}


def constant_prediction(scope: Scope, metric: MetricSpec, n_rows: int) -> np.ndarray:
    """Predict the mean target of the development rows, or the better label, for every row alike."""
    schema, training, weight = scope.context.schema, scope.training, scope.base_weight
    mean = np.average(schema.one_hot_target(training), axis=0, weights=weight)
    threshold = None
    if metric.best_threshold and len(schema.classes) == 2:
        truth = schema.encode_target(training)
        if metric.scores_costs:
            truth = read_array(scope.folder.parent / COSTS)
        threshold = metric.best_threshold(truth, np.full(len(training), mean[1]), weight)
    return np.repeat(served_predictions(metric, mean[None], threshold), n_rows, axis=0)


def predict_exported(scope: Scope, role: str, rows: pd.DataFrame) -> np.ndarray:
    """Predict canonical rows with an exported fit, and write the predictions for the figures."""
    folder = scope.folder / role
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))["model"]
    model = MODELS[spec["kind"]]
    features = rows[scope.context.schema.feature_names]
    predicted = _serving.predict(
        model.serve, features, spec, (model.load_state or _serving.load_nothing)(folder, spec)
    )
    scope.write_array(f"{role}-holdout.npy", predicted)
    return predicted

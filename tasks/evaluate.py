"""Assemble the out-of-fold matrix, judge the race, decide, and read the holdout once."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.arms import Arm, Exit
from tasks.core.comparison import Comparison, compare, provable_gain
from tasks.core.holdout_reads import count_holdout_reads
from tasks.core.jsonable import to_jsonable
from tasks.core.keys import entry_key
from tasks.core.plans import Plan
from tasks.core.plugins import MetricSpec
from tasks.core.racing import FIRST_JUDGED_BLOCK, judge
from tasks.core.realised import score_holdout
from tasks.core.scored_arms import ScoredArms
from tasks.core.scores import OutOfFold
from tasks.core.seeds import derive_seed
from tasks.core.study import Layout, StudyFolder, Table
from tasks.core.verdict import Verdict, decide
from tasks.core.wording import gain_in_words
from tasks.fits.scope import Scope, StudyContext
from tasks.generalise import generalise
from tasks.metrics import METRICS
from tasks.models import MODELS, _serving
from tasks.split import registration_path

log = logging.getLogger("realmix")


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


@task(task_run_name="judge-race", cache_policy=NO_CACHE)
def judge_race(
    folder: StudyFolder,
    layout: Layout,
    live: dict[str, list[Arm]],
    pools: list[dict[str, Any]],
    trained: list[dict[str, Any]],
) -> dict[str, list[Arm]]:
    """Let the rule of the race say, from the blocks run so far, which arms run the next one.

    Who left, when and why is kept in ``work/race.json``.

    Returns
    -------
    dict
        Name of the batch to the arms still in; batches without any are gone.
    """
    plan = layout.plan
    failed = failed_mixes(plan, pools) | failed_arms(trained)
    oof = out_of_fold(folder, layout, live, failed, trained)
    if len(oof.fold_rows) == FIRST_JUDGED_BLOCK:
        say_provable_gain(oof, METRICS[plan.metric], len(layout.blocks))
    leaving = judge(
        oof,
        METRICS[plan.metric],
        n_first=layout.n_first,
        n_blocks=len(layout.blocks),
    )
    write_exits(folder, {**read_exits(folder), **leaving})
    gone = failed.keys() | leaving.keys()
    kept = {
        batch: [arm for arm in arms if not {arm.name, arm.mix.name} & gone] for batch, arms in live.items()
    }
    return {batch: arms for batch, arms in kept.items() if arms}


def say_provable_gain(oof: OutOfFold, metric: MetricSpec, n_blocks: int) -> None:
    """Say again what the study can prove, now that its first folds tell how much folds differ."""
    case = ScoredArms(oof, metric, null_models())
    if case.challenger is not None:
        gain = gain_in_words(provable_gain(case, case.challenger, n_blocks), metric.margin_is_relative)
        n_run = len(oof.fold_rows)
        log.info("smallest gain these rows can prove: %s (measured on %d of %d folds)", gain, n_run, n_blocks)


def write_exits(folder: StudyFolder, exits: Mapping[str, Exit]) -> None:
    """Keep who left the race."""
    folder.write_json("work/race.json", {name: dataclasses.asdict(left) for name, left in exits.items()})


def read_exits(folder: StudyFolder) -> dict[str, Exit]:
    """Who left the race; nobody where there was none."""
    if not (folder.work / "race.json").exists():
        return {}
    return {name: Exit(**left) for name, left in folder.read_json("work/race.json").items()}


@task(task_run_name="compare", cache_policy=NO_CACHE)
def compare_arms(
    folder: StudyFolder, layout: Layout, pools: list[dict[str, Any]], trained: list[dict[str, Any]]
) -> tuple[Comparison, Verdict]:
    """Put every arm's out-of-fold predictions side by side and decide."""
    plan = layout.plan
    context = StudyContext.read(folder.work / "context.json")
    failed = failed_mixes(plan, pools)
    oof = out_of_fold(folder, layout, batches(plan), failed | failed_arms(trained), trained)
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
    generalisation, vetoes = generalise(folder, layout, oof, comparison)
    folder.write_json("work/generalisation.json", to_jsonable(generalisation))
    return comparison, decide(comparison, margin=metric.margin, vetoes=vetoes)


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


def out_of_fold(
    folder: StudyFolder,
    layout: Layout,
    competing: Mapping[str, list[Arm]],
    failed: dict[str, str],
    trained: Iterable[dict[str, Any]],
) -> OutOfFold:
    """Read the predictions of the competing arms on the blocks that were run.

    Parameters
    ----------
    competing : mapping of batch to arms
    failed : mapping of arm or mix name to reason
        These arms are left out.
    trained : iterable of dict
        What was run; files of an earlier, interrupted run are not read.
    """
    context = StudyContext.read(folder.work / "context.json")
    schema = context.schema
    rows = pd.read_parquet(folder.work / "development.parquet")
    weight = np.load(folder.work / "development-weight.npy")
    groups = np.load(folder.work / "groups.npy")
    arms = tuple(arm for of_batch in competing.values() for arm in of_batch)
    arms = tuple(arm for arm in arms if not {arm.name, arm.mix.name} & failed.keys())
    files = [(run["scope"], run["batch"]) for run in trained if not run["skipped"]]
    folds, predictions = _matrix(folder, layout, arms, files, len(schema.classes))
    return OutOfFold(
        arms=arms,
        y=schema.encode_target(rows),
        folds=folds,
        predictions=predictions,
        n_train=float(np.mean([len(Scope(folder.scope(b.scope)).groups) for b in layout.blocks])),
        groups=groups if len(np.unique(groups)) < len(groups) else None,
        sample_weight=None if np.all(weight == 1) else weight,
        disqualified=failed,
        exits=read_exits(folder),
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
def read_holdout(folder: StudyFolder, table: Table, plan: Plan) -> dict[str, Any] | None:
    """Score the two evaluated fits on the holdout: the only place where it is read.

    Returns
    -------
    dict or None
        From :func:`tasks.core.realised.score_holdout`, with `decisions_served`: how many studies,
        this one included, have read its rows, for the least and the most used of them. None
        where there is no holdout.
    """
    context = StudyContext.read(folder.work / "context.json")
    schema = context.schema
    rows = pd.read_parquet(folder.work / "holdout.parquet")
    if rows.empty:
        return None
    scope = Scope(folder.scope("evaluated"))
    reader = entry_key(
        kind="holdout", snapshot=context.snapshot, card=context.card.studied, plan=plan.to_dict()
    )
    registration = registration_path(table.name, table.card, table.schema).stem
    served = count_holdout_reads(registration, reader, np.load(folder.work / "holdout-units.npy"))
    scored = score_holdout(
        schema.encode_target(rows),
        predict_exported(scope, "model", rows),
        predict_exported(scope, "real_only", rows),
        METRICS[plan.metric],
        seed=derive_seed(context.snapshot, plan.seed, "holdout"),
        groups=np.load(folder.work / "holdout-groups.npy"),
        sample_weight=np.load(folder.work / "holdout-weight.npy"),
    )
    return scored | {"decisions_served": [int(served.min()), int(served.max())]}


def predict_exported(scope: Scope, role: str, rows: pd.DataFrame) -> np.ndarray:
    """Predict canonical rows with an exported fit, and keep the predictions for the figures."""
    folder = scope.folder / role
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))["model"]
    features = rows[scope.context.schema.feature_names]
    predicted = _serving.predict(features, spec, _serving.load_state(folder, spec))
    scope.write_array(f"{role}-holdout.npy", predicted)
    return predicted


def _matrix(
    folder: StudyFolder, layout: Layout, arms: tuple[Arm, ...], files: list[tuple[str, str]], n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Folds, -1 where a block was not run, and predictions, NaN where an arm was not."""
    planned = np.load(folder.work / "folds.npy")
    folds = np.full_like(planned, -1)
    matrix = np.full((len(arms), *folds.shape) + ((n_classes,) if n_classes else ()), np.nan)
    blocks = {block.scope: block for block in layout.blocks}
    place = {arm.name: i for i, arm in enumerate(arms)}
    for scope, batch in files:
        block = blocks[scope]
        rows = np.flatnonzero(planned[block.repeat] == block.fold)
        folds[block.repeat, rows] = block.fold
        names = folder.read_json(f"work/{scope}/predictions-{batch}.json")
        predictions = Scope(folder.scope(scope)).read_array(f"predictions-{batch}.npy")
        for name, predicted in zip(names, predictions, strict=True):
            if name in place:
                matrix[place[name], block.repeat, rows] = predicted
    return folds, matrix

"""A study in one process, without Prefect, MLflow or validation: for panels and null studies.

The product's own fits, race, comparison and verdict run on rows given by the caller. Every
row is a development row, because the caller keeps the rows that judge.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.race import heats, is_raced
from realmix.tasks.core.decision.verdict import Verdict
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.mixes.arms import Arm, Balance, LabelRule, RealLabels
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Block, Layout, Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.arms import fit_arm, train_arms, training_set
from realmix.tasks.fits.pools import synthesize
from realmix.tasks.fits.scope import (
    DEVELOPMENT,
    GROUP,
    PRIORITY,
    WEIGHT,
    Scope,
    StudyContext,
    feature_groups,
    write_rows,
    write_scope,
)
from realmix.tasks.fits.teacher import fit_teacher, load_teacher
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.compare import compare_arms
from realmix.tasks.study.development import Development
from realmix.tasks.study.out_of_fold import failed_arms, failed_mixes, out_of_fold
from realmix.tasks.study.privacy import StudyPools
from realmix.tasks.study.race import (
    REAL_ONLY,
    WITHOUT_POOL,
    batches,
    judge_race,
    rank_trials,
    real_only,
    write_exits,
)
from realmix.tasks.study.split import lay_folds

DEFAULT_MODELS = ("xgboost", "linear", "class-prior")
NO_HOLDOUT = HoldoutRule(salt=0, fraction=0.0, columns=())


def known_learners(*names: str) -> tuple[str, ...]:
    """Those of the learners that this version has."""
    return tuple(name for name in names if name in MODELS)


@dataclass(frozen=True)
class Recipe:
    """What a small study tries; the fields of a plan that matter without a clock."""

    synthesizers: dict[str, int | None]
    ratios: tuple[float, ...] = (1.0, 5.0)
    models: tuple[str, ...] = DEFAULT_MODELS
    n_folds: int = 5
    n_repeats: int = 1
    n_trials: int = 1
    n_real_trials: int = 0
    label_rules: tuple[LabelRule, ...] = ("joint", "teacher")
    real_labels: tuple[RealLabels, ...] = ("own",)
    weights: tuple[float, ...] = (1.0,)
    balances: tuple[Balance, ...] = ("prior",)
    teacher: tuple[tuple[str, int], ...] = (("xgboost", 0), ("linear", 0), ("random-forest", 0))
    n_bootstrap: int = 1000
    full_grid: bool = False

    def plan(self, schema: Schema, n_rows: int, seed: int) -> Plan:
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "full_grid"}
        fields["models"] = tuple(name for name in self.models if schema.task in MODELS[name].tasks)
        return Plan(
            seed=seed,
            task=schema.task,
            metric="log_loss" if schema.is_classification else "rmse",
            holdout=NO_HOLDOUT,
            n_development=n_rows,
            forward=False,
            n_workers=1,
            threads_per_fit=1,
            **fields,
        )


@dataclass(frozen=True)
class Raced:
    """Everything fitted, nothing decided.

    Attributes
    ----------
    folder : StudyFolder
        Its scopes, pools and predictions.
    layout : Layout
    schema : Schema
    arms : dict of batch to list of Arm
        All that compete.
    pools, trained : list of dict
        Logs of what was run.
    seconds : dict
        By kind of work.
    """

    folder: StudyFolder
    layout: Layout
    schema: Schema
    arms: dict[str, list[Arm]]
    pools: list[PoolResult]
    trained: list[dict[str, Any]]
    seconds: dict[str, float]

    @property
    def out_of_fold(self) -> OutOfFold:
        """Predictions of all arms that did not fail."""
        plan = self.layout.plan
        failed = failed_mixes(plan, self.pools) | failed_arms(self.trained)
        return out_of_fold(
            self.folder, self.layout, Development(self.folder.work), self.arms, failed, self.trained
        )


@dataclass(frozen=True)
class Outcome(Raced):
    """A finished study; `learners` describes the verdict on each learner, as ``verdict.json`` does."""

    comparison: Comparison
    verdict: Verdict
    learners: list[dict[str, Any]]


def study_rows(
    raw: pd.DataFrame, card: DataCard, recipe: Recipe, *, folder: Path, seed: int, digest: str = "rows"
) -> Outcome:
    """Run a study on all given rows and decide.

    Parameters
    ----------
    raw : DataFrame
    card : DataCard
    recipe : Recipe
    folder : Path
        Of the study; made as needed.
    seed : int
    digest : str
        Stands for the snapshot in every derived seed.
    """
    raced = race_rows(raw, card, recipe, folder=folder, seed=seed, digest=digest)
    rows = Development(raced.folder.work)
    comparison, verdict = compare_arms.fn(
        raced.folder, raced.layout, rows, raced.out_of_fold, StudyPools(raced.folder, raced.layout, rows)
    )
    learners = raced.folder.read_json("work/learners.json")
    return Outcome(**vars(raced), comparison=comparison, verdict=verdict, learners=learners)


def race_rows(
    raw: pd.DataFrame, card: DataCard, recipe: Recipe, *, folder: Path, seed: int, digest: str = "rows"
) -> Raced:
    """Fit everything a study fits, without deciding; see :func:`study_rows`."""
    schema = check_study_input(raw, card)
    place = StudyFolder(folder)
    place.work.mkdir(parents=True, exist_ok=True)
    StudyContext(schema, card, digest, seed).write(place.work / "context.json")
    rows = schema.apply(raw)
    beside = {WEIGHT: np.ones(len(rows)), GROUP: feature_groups(rows, schema), PRIORITY: np.zeros(len(rows))}
    write_rows(place.work / DEVELOPMENT, rows, **beside)
    write_scope(place.scope("evaluated"), np.arange(len(rows)))
    layout = lay_folds.fn(place, recipe.plan(schema, len(rows), seed))
    return race(Raced(place, layout, schema, {}, [], [], {}), full_grid=recipe.full_grid)


def race(study: Raced, *, full_grid: bool) -> Raced:
    """Fit the arms on the folds, heat by heat, real only first; on the full grid nobody leaves."""
    folder, layout, plan = study.folder, study.layout, study.layout.plan
    write_exits(folder, {})
    raced = is_raced(METRICS[plan.metric], plan.n_repeats) and not full_grid
    first, *later = heats(layout.blocks, n_first=layout.n_first, raced=raced)
    opening = real_only(plan)
    run_heat(study, first, opening)
    study.arms.update(batches(plan, rank_trials.fn(folder, layout, Development(folder.work), study.trained)))
    live = study.arms
    run_heat(study, first, {name: arms for name, arms in live.items() if name not in opening})
    for heat in later:
        live = judge_race.fn(folder, layout, Development(folder.work), live, study.pools, study.trained)
        run_heat(study, heat, live)
    return study


def run_heat(study: Raced, heat: Sequence[Block], live: dict[str, list[Arm]]) -> None:
    """Run some folds one after the other."""
    for block in heat:
        run_block(study, block.scope, live)


def run_block(study: Raced, scope: str, live: dict[str, list[Arm]]) -> None:
    """One fold: its teacher, then pool and learners of every batch."""
    if REAL_ONLY in live:
        label_rows(study.folder, scope, study.layout.plan, study.seconds)
    for batch, arms in live.items():
        if batch not in WITHOUT_POOL:
            pool = make_pool(study.folder, scope, batch, study.layout.plan, study.seconds)
            study.pools.append(pool)
            if pool.failure:
                continue
        study.trained.append(learn(study.folder, scope, batch, arms, study.seconds))


def label_rows(folder: StudyFolder, scope: str, plan: Plan, seconds: dict[str, float]) -> None:
    """Fit the teacher of a scope."""
    fitted = fit_teacher(str(folder.scope(scope)), list(plan.teacher), 1)
    seconds["teacher"] = seconds.get("teacher", 0.0) + fitted["seconds"]


def make_pool(
    folder: StudyFolder, scope: str, synthesizer: str, plan: Plan, seconds: dict[str, float]
) -> PoolResult:
    """Draw a pool, or say why there is none."""
    started = time.perf_counter()
    try:
        made = synthesize(
            str(folder.scope(scope)),
            synthesizer,
            plan.max_ratio,
            list(plan.balances),
            plan.synthesizers.get(synthesizer),
        )
    except RealmixError as err:
        made = {"failure": str(err)}
    seconds[synthesizer] = seconds.get(synthesizer, 0.0) + time.perf_counter() - started
    return PoolResult.build({"scope": scope, "synthesizer": synthesizer, **made})


def learn(
    folder: StudyFolder, scope: str, batch: str, arms: Sequence[Arm], seconds: dict[str, float]
) -> dict[str, Any]:
    """Fit a batch of arms on a fold."""
    dictionaries = [arm.to_dict() for arm in arms]
    done = train_arms(str(folder.scope(scope)), f"predictions-{batch}", dictionaries, 1)
    seconds["train"] = seconds.get("train", 0.0) + done["seconds"]
    return {"scope": scope, "batch": batch, "skipped": False, **done}


def predict_arms(outcome: Raced, arms: Sequence[Arm], X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Fit arms on all rows of the study, as what ships is fitted, and predict others.

    Parameters
    ----------
    outcome : Outcome
    arms : sequence of Arm
    X : DataFrame of shape (n_rows, n_features)
        Canonical.

    Returns
    -------
    dict of arm name to predictions; without arms whose generator failed on all rows.
    """
    folder, plan, scope = outcome.folder, outcome.layout.plan, Scope(outcome.folder.scope("evaluated"))
    if not (scope.folder / "teacher.pickle").exists():
        label_rows(folder, "evaluated", plan, {})
    failed = {
        synthesizer
        for synthesizer in dict.fromkeys(arm.mix.synthesizer for arm in arms)
        if synthesizer and make_pool(folder, "evaluated", synthesizer, plan, {}).failure
    }
    return {
        arm.name: fit_arm(scope, arm, training_set(scope, arm.mix), 1, final=True).predict(X)
        for arm in arms
        if arm.mix.synthesizer not in failed
    }


def teacher_loss(outcome: Raced) -> float:
    """Score of the ensemble on the validation rows of all folds, each time fitted on the others."""
    metric, losses = METRICS[outcome.layout.plan.metric], []
    assert metric.row_loss is not None
    for block in outcome.layout.blocks:
        scope = Scope(outcome.folder.scope(block.scope))
        if (scope.folder / "teacher.pickle").exists():
            schema, rows = outcome.schema, scope.validation
            predicted = load_teacher(scope).predict(rows[schema.feature_names])
            losses.append(metric.row_loss(schema.encode_target(rows), predicted))
    return float(metric.from_mean_loss(np.concatenate(losses).mean()))


def predict_teacher(outcome: Raced, X: pd.DataFrame) -> np.ndarray:
    """Predictions of the ensemble fitted on all rows of the study."""
    if not (outcome.folder.scope("evaluated") / "teacher.pickle").exists():
        label_rows(outcome.folder, "evaluated", outcome.layout.plan, {})
    return load_teacher(Scope(outcome.folder.scope("evaluated"))).predict(X)

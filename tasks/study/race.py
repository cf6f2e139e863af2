"""Run the arms on the folds, heat by heat, and drop those that cannot win.

A heat is a group of folds that run in parallel; between two heats the rule of the race decides which
arms run the next one.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.race import describe_standing, heats, is_raced, judge
from realmix.tasks.core.decision.tuned_trials import best_trials
from realmix.tasks.core.mixes.arms import Arm, Exit, Mix
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Block, Layout, Plan, Trials
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.runtime.shared_storage import bring, key_of
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.development import Development
from realmix.tasks.study.out_of_fold import failed_arms, failed_mixes, null_models, out_of_fold, read_exits
from realmix.tasks.study.synthesize import TEACHER_STEP, fit_teacher, pool_step, synthesize
from realmix.tasks.study.train import train, train_step

log = logging.getLogger("realmix")

REAL_ONLY = Mix().name
# Batches of arms that learn from real rows alone.
WITHOUT_POOL = (REAL_ONLY, Mix(balance="balanced").name)


def batches(plan: Plan, best: Trials | None = None) -> dict[str, list[Arm]]:
    """Group the arms by the pool of synthetic rows they draw from; two batches draw from none.

    Parameters
    ----------
    plan : Plan
    best : mapping, optional
        Trials of the mixes, from :func:`realmix.tasks.core.decision.tuned_trials.best_trials`.

    Returns
    -------
    dict
        Name of the batch to its arms, arms of one mix next to each other.
    """
    null = null_models()
    grouped: dict[str, list[Arm]] = {}
    for mix in plan.mixes():
        batch = mix.synthesizer or (REAL_ONLY if mix.role == "real_only" else mix.name)
        grouped.setdefault(batch, []).extend(plan.arms_of(mix, tuple(null), best))
    return grouped


def real_only(plan: Plan) -> dict[str, list[Arm]]:
    """Return the batch of real only and its distillation."""
    return {REAL_ONLY: batches(plan)[REAL_ONLY]}


@task(task_run_name="rank-trials", cache_policy=NO_CACHE)
def rank_trials(
    folder: StudyFolder, layout: Layout, development: Development, trained: list[dict[str, Any]]
) -> Trials:
    """Return the trials that mixes try, from the results of real only on the first heat."""
    plan, failed = layout.plan, failed_arms(trained)
    oof = out_of_fold(folder, layout, development, real_only(plan), failed, trained)
    metric = development.context.metric(plan.metric)
    announce_standing(oof, metric)
    return best_trials(oof, metric, plan.n_trials)


def announce_standing(oof: OutOfFold, metric: MetricSpec) -> None:
    """Log who leads so far."""
    standing = describe_standing(oof, metric)
    log.info("%s", standing, extra={"progress": {"standing": standing}})


@task(task_run_name="judge-race", cache_policy=NO_CACHE)
def judge_race(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    live: dict[str, list[Arm]],
    pools: list[PoolResult],
    trained: list[dict[str, Any]],
) -> dict[str, list[Arm]]:
    """Decide from the blocks run so far which arms run the next ones.

    Which arms left, when and why is written to ``work/race.json``.

    Returns
    -------
    dict
        Name of the batch to its remaining arms; batches without any are left out.
    """
    plan = layout.plan
    failed = failed_mixes(plan, pools) | failed_arms(trained)
    oof = out_of_fold(folder, layout, development, live, failed, trained)
    metric = development.context.metric(plan.metric)
    leaving = judge(
        oof,
        metric,
        n_first=layout.n_first,
        n_blocks=len(layout.blocks),
    )
    write_exits(folder, {**read_exits(folder), **leaving})
    announce_standing(oof, metric)
    gone = failed.keys() | leaving.keys()
    remaining = {
        batch: [arm for arm in arms if not {arm.name, arm.mix.name} & gone] for batch, arms in live.items()
    }
    return {batch: arms for batch, arms in remaining.items() if arms}


def write_exits(folder: StudyFolder, exits: Mapping[str, Exit]) -> None:
    """Write which arms left the race, when and why."""
    folder.write_json("work/race.json", {name: dataclasses.asdict(left) for name, left in exits.items()})


Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Raced:
    """What the folds gave.

    Attributes
    ----------
    teachers : list of dict
        Results of the ensembles that label synthetic rows.
    pools : list of PoolResult
    trained : list of dict
        Results of the batches of models.
    oof : OutOfFold
        Predictions of every arm that failed nowhere.
    """

    teachers: Results
    pools: list[PoolResult]
    trained: Results
    oof: OutOfFold


def race(folder: StudyFolder, layout: Layout, development: Development) -> Raced:
    """Run the arms on the folds, heat by heat; real only opens the first one, and ranks the trials for the mixes."""
    plan = layout.plan
    raced = is_raced(development.context.metric(plan.metric), plan.n_repeats)
    first, *later = heats(layout.blocks, n_first=layout.n_first, raced=raced)
    write_exits(folder, {})
    teachers: Results = []
    pools: list[PoolResult] = []
    trained: Results = []

    def run(heat: Sequence[Block], live: dict[str, list[Arm]], n_done: float, n_blocks: float) -> None:
        of_heat = run_heat(folder, layout, heat, live, n_done, n_blocks)
        teachers.extend(of_heat[0])
        pools.extend(of_heat[1])
        trained.extend(of_heat[2])

    opening = real_only(plan)
    share = len(first) / len(batches(plan))
    run(first, opening, 0, share)
    planned = live = batches(plan, rank_trials(folder, layout, development, trained))
    run(first, {name: arms for name, arms in live.items() if name not in opening}, share, len(first) - share)
    n_done = len(first)
    for heat in later:
        live = judge_race(folder, layout, development, live, pools, trained)
        run(heat, live, n_done, len(heat))
        n_done += len(heat)
    failed = failed_mixes(plan, pools) | failed_arms(trained)
    oof = out_of_fold(folder, layout, development, planned, failed, trained)
    folder.write_json("work/pools.json", [pool.to_dict() for pool in pools])
    return Raced(teachers, pools, trained, oof)


def run_heat(
    folder: StudyFolder,
    layout: Layout,
    heat: Sequence[Block],
    live: dict[str, list[Arm]],
    n_done: float,
    n_blocks: float,
) -> tuple[Results, list[PoolResult], Results]:
    """Run the live arms on the folds of one heat, and drop every future at its end.

    As long as a future exists, Dask computes its result again when the worker that held it is lost.
    For the log, `n_blocks` is what this is worth after `n_done`: a heat can be run in parts.
    """
    teachers, pools, waiting = submit_heat(folder, layout.plan, heat, live)
    for done, future in enumerate(as_completed(waiting), start=1):
        future.wait()  # without it the state is read from the server, which is informed later
        if not future.state.is_final():
            # It will never run: raise the reason, and not that it is pending.
            results(teachers)
            results(pools)
        result = future.result()
        pct = 100 * (n_done + n_blocks * done / len(waiting)) / len(layout.blocks)
        news = {"share": pct / 100}
        log.info("race %3.0f %% · %s on %s", pct, result["batch"], result["scope"], extra={"progress": news})
    found = results(teachers), results(pools), results(waiting)
    steps = [(block.scope, TEACHER_STEP) for block in heat if teachers]
    steps += [(pool.scope, pool_step(pool.synthesizer)) for pool in found[1]]
    steps += [(done["scope"], train_step(done["batch"])) for done in found[2] if not done["skipped"]]
    bring(folder, [key_of(*step) for step in steps])
    return found


T = TypeVar("T")
Future = PrefectFuture[dict[str, Any]]


def submit_heat(
    folder: StudyFolder, plan: Plan, heat: Sequence[Block], live: dict[str, list[Arm]]
) -> tuple[list[Future], list[PrefectFuture[PoolResult]], list[Future]]:
    """Submit all tasks of a heat: teachers if real only is live, then pools, then the batches of models.

    The slowest synthesizers start first, so that workers do not idle while the last of them runs.
    """
    scopes, limits = [block.scope for block in heat], plan.timeout_seconds
    teachers = {scope: fit_teacher.submit(folder, scope, plan) for scope in scopes if REAL_ONLY in live}
    names = sorted((name for name in live if name not in WITHOUT_POOL), key=lambda name: -limits.get(name, 0))
    pools: dict[tuple[str, str], Any] = {
        (scope, name): synthesize.submit(
            folder, scope, name, plan, return_state=False, wait_for=[teachers[scope]] if teachers else []
        )
        for name in names
        for scope in scopes
    }
    trained = [
        train.submit(
            folder,
            scope,
            batch,
            arms,
            plan,
            pools.get((scope, batch)),
            return_state=False,
            wait_for=[teachers[scope]] if teachers else [],
        )
        for scope in scopes
        for batch, arms in live.items()
    ]
    return list(teachers.values()), list(pools.values()), trained


def worker_seconds(raced: Raced) -> dict[str, float]:
    """Add up the seconds that workers spent in the race, by kind of work."""
    seconds = {
        "workers: teacher": sum(result["seconds"] for result in raced.teachers),
        "workers: train": sum(result["seconds"] for result in raced.trained),
    }
    for pool in raced.pools:
        key = f"workers: {pool.synthesizer}"
        spent = (pool.seconds_fit or 0) + (pool.seconds_sample or 0)
        seconds[key] = seconds.get(key, 0) + spent
    return {key: round(value, 2) for key, value in seconds.items()}


def results(futures: list[PrefectFuture[T]]) -> list[T]:
    """Return the results of futures once none is being computed (again), so that their files are final."""
    found = [future.result() for future in futures]
    for future in futures:
        future.wait()
    return found

"""The main job: from a real table to a verdict."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from prefect import flow
from prefect.context import TagsContext
from prefect.futures import PrefectFuture, as_completed
from threadpoolctl import threadpool_limits

from flows.runners import open_pool, storage_here, threads
from tasks.core.arms import Arm
from tasks.core.comparison import Comparison
from tasks.core.config import StudyRequest
from tasks.core.plans import Plan
from tasks.core.racing import heats, is_raced
from tasks.core.store import make_store, store_at
from tasks.core.study import Block, Layout, StudyFolder, home
from tasks.core.verdict import Verdict, decide
from tasks.core.wording import gain_in_words
from tasks.evaluate import batches, compare_arms, judge_race, read_holdout, write_exits
from tasks.fits.scope import Scope
from tasks.ingest import ingest
from tasks.inputs import read_plan
from tasks.learning_curve import rows_saved
from tasks.metrics import METRICS
from tasks.overfitting import measure_gap
from tasks.plan import on_usable_gpu, plan_study, trained_on_gpu
from tasks.refit import package, refit
from tasks.repeat import keep_study, study_key
from tasks.report import publish
from tasks.split import lay_folds, split_holdout
from tasks.storage import bring, open_storage, share, within
from tasks.synthesize import fit_teacher, synthesize
from tasks.track import open_store, track
from tasks.train import train
from tasks.validate import gate_raw, gate_training

log = logging.getLogger("realmix")
FINAL_SCOPES = ("evaluated", "shipped")


@flow(name="study", flow_run_name="study-{request.out}", task_runner=threads())
def study(request: StudyRequest) -> dict[str, Any]:
    """Decide whether synthetic rows make a model of this table better.

    Parameters
    ----------
    request : StudyRequest

    Returns
    -------
    dict
        The verdict document, as written to ``verdict.json``.

    Notes
    -----
    Requires: nothing but a writable folder; ``REALMIX_HOME``, ``MLFLOW_TRACKING_URI`` and
    ``PREFECT_API_URL`` choose other places than the embedded ones.
    """
    # Sums of many threads differ in their last bit with the number of processors; a tag of the run
    # would have each of its tasks ask the server for a slot.
    with threadpool_limits(limits=1), TagsContext(current_tags=set()):
        return _study(request)


def _study(request: StudyRequest) -> dict[str, Any]:
    kept = store_at(make_store(home()))
    n_taken_before = kept.n_taken
    path = Path(request.out or new_folder(request)).absolute()
    folder = StudyFolder(path, kept.folder, storage_here(request.storage, path.name))
    folder.work.mkdir(parents=True, exist_ok=True)
    clock = Stages()
    with open_storage(folder), open_pool(folder.work / "workers.log", folder.storage):
        with clock("ingest"):
            table = ingested = ingest(request)
        with clock("validate"):
            table = gate_raw(table, folder)
        with clock("plan"):
            replayed = read_plan(Path(request.plan)) if request.plan else None
            rule = replayed.holdout if replayed else None
            seed = replayed.seed if replayed else request.seed
            on_gpu = on_usable_gpu(replayed.on_gpu if replayed else trained_on_gpu(request.device))
            split, rule = split_holdout(table, folder, rule=rule, seed=seed, on_gpu=on_gpu)
            plan = plan_study(request, table, split, rule, folder, development_targets(folder))
        announce(plan)
        # A thread of this process, not a task: a cluster must not open the store of this machine.
        # Not before the plan, whose timing probe is to have the processors for itself.
        store = Thread(target=open_store, args=(table.name,))
        store.start()
        with clock("race"):
            layout = lay_folds(folder, plan)
            share(folder, *FINAL_SCOPES, *(block.scope for block in layout.blocks))
            teachers, pools, trained = race(folder, layout)
        clock.worker_seconds = worker_seconds(teachers, pools, trained)
        with clock("compare"):
            comparison, verdict = compare_arms(folder, layout, pools, trained)
            measure_gap(folder, layout, comparison)
        with clock("rows saved"):
            saved = rows_saved(folder, layout, comparison)
        with clock("refit"):
            fits, verdict = final_fits(folder, comparison, verdict, plan, within(folder, table.snapshot.path))
    if n_taken := kept.n_taken - n_taken_before:
        log.info("%d results of earlier runs were taken from the store", n_taken)
    with clock("evaluate"):
        gate_training(table, folder)
        holdout = read_holdout(folder, table, plan)
    with clock("package"):
        package(folder, {"model": verdict.ships, "real_only": comparison.incumbent})
    with clock("report"):
        document, figures = publish(
            folder,
            table,
            split,
            layout,
            comparison,
            verdict,
            fits,
            holdout,
            pools,
            clock.all_seconds(),
            saved,
        )
    with clock("track"):
        store.join()
        document = track(folder, document, figures)
    name, card, schema = ingested.name, ingested.card, ingested.schema
    keep_study(folder, study_key(request, ingested.snapshot.digest, name, card, schema), document)
    return document


def new_folder(request: StudyRequest) -> Path:
    """Folder of a study that was asked for without one, as deployments do."""
    name = (request.table or "study").rpartition(":")[2]
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[-40:]
    return home() / "studies" / f"{safe}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


class Stages:
    """Wall seconds of each stage, said as they begin."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.worker_seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        log.info("%s ...", stage)
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 2)

    def all_seconds(self) -> dict[str, float]:
        """Wall seconds of the stages so far and in all, then the workers' own seconds in the race."""
        so_far = round(time.perf_counter() - self.started, 2)
        return {**self.seconds, "so far": so_far, **self.worker_seconds}


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


Results = list[dict[str, Any]]


def race(folder: StudyFolder, layout: Layout) -> tuple[Results, Results, Results]:
    """Run the arms on the folds: teachers, pools and batches of learners, heat by heat.

    Between two heats the rule of the race decides which arms go on; within one nothing waits.
    """
    raced = is_raced(METRICS[layout.plan.metric], layout.plan.n_repeats)
    live, n_done = batches(layout.plan), 0
    write_exits(folder, {})
    teachers: Results = []
    pools: Results = []
    trained: Results = []
    for heat in heats(layout.blocks, n_first=layout.n_first, raced=raced):
        if n_done:
            live = judge_race(folder, layout, live, pools, trained)
        of_heat = run_heat(folder, layout, heat, live, n_done)
        for found, new in zip((teachers, pools, trained), of_heat, strict=True):
            found += new
        n_done += len(heat)
    return teachers, pools, trained


def run_heat(
    folder: StudyFolder, layout: Layout, heat: Sequence[Block], live: dict[str, list[Arm]], n_done: int
) -> tuple[Results, Results, Results]:
    """Run the live arms on the folds of one heat; no future outlives it.

    Dask computes again what a lost worker held as long as somebody holds its future.
    """
    teachers, pools, waiting = submit_heat(folder, layout.plan, heat, live)
    for done, future in enumerate(as_completed(waiting), start=1):
        future.wait()  # else its state is asked of the server, which learns of it later
        if not future.state.is_final():
            # It will never run: say why, and not that it is pending.
            results([*teachers, *pools])
        result = future.result()
        pct = 100 * (n_done + len(heat) * done / len(waiting)) / len(layout.blocks)
        log.info("race %3.0f %% · %s on %s", pct, result["batch"], result["scope"])
    found = results(teachers), results(pools), results(waiting)
    bring(folder, *(block.scope for block in heat))
    return found


Future = PrefectFuture[dict[str, Any]]


def submit_heat(
    folder: StudyFolder, plan: Plan, heat: Sequence[Block], live: dict[str, list[Arm]]
) -> tuple[list[Future], list[Future], list[Future]]:
    """Start everything on the folds of a heat: teachers, then pools, then the batches of learners.

    The generators that take longest go first, so that no worker waits for the last of them alone.
    """
    scopes, limits = [block.scope for block in heat], plan.timeout_seconds
    teachers = {scope: fit_teacher.submit(folder, scope, plan) for scope in scopes}
    generators = sorted((name for name in live if name != "real-only"), key=lambda name: -limits.get(name, 0))
    pools: dict[tuple[str, str], Any] = {
        (scope, name): synthesize.submit(
            folder, scope, name, plan, return_state=False, wait_for=[teachers[scope]]
        )
        for name in generators
        for scope in scopes
    }
    trained = [
        train.submit(
            folder,
            scope,
            batch,
            arms,
            plan,
            pools.get((scope, batch), {}),
            return_state=False,
            wait_for=[teachers[scope]],
        )
        for scope in scopes
        for batch, arms in live.items()
    ]
    return list(teachers.values()), list(pools.values()), trained


def worker_seconds(teachers: Results, pools: Results, trained: Results) -> dict[str, float]:
    """Seconds the workers spent in the race, by kind of work."""
    seconds = {
        "workers: teacher": sum(result["seconds"] for result in teachers),
        "workers: train": sum(result["seconds"] for result in trained),
    }
    for pool in pools:
        key = f"workers: {pool['synthesizer']}"
        spent = pool.get("seconds_fit", 0) + pool.get("seconds_sample", 0)
        seconds[key] = seconds.get(key, 0) + spent
    return {key: round(value, 2) for key, value in seconds.items()}


def results(futures: list[Future]) -> Results:
    """What the futures bring, once none of them is being computed (again): their files are at rest."""
    found = [future.result() for future in futures]
    for future in futures:
        future.wait()
    return found


def final_fits(
    folder: StudyFolder, comparison: Comparison, verdict: Verdict, plan: Plan, raw: str
) -> tuple[dict[str, Any], Verdict]:
    """Fit what ships on development rows and on all rows, side by side.

    A generator that worked in every fold can still fail here: then real only ships.
    """
    arms = {"model": verdict.ships, "real_only": comparison.incumbent}
    share(folder, also=(raw,))
    fitted = results([refit.submit(folder, scope, arms, plan, raw) for scope in FINAL_SCOPES])
    bring(folder, *FINAL_SCOPES, also=("validation", "training.parquet"))
    fits: dict[str, Any] = dict(zip(FINAL_SCOPES, fitted, strict=True))
    failed = [
        f"{verdict.ships.name} on {scope} rows: {fit['failure']}"
        for scope, fit in fits.items()
        if fit["failure"]
    ]
    if failed:
        veto = f"the final fit failed of {failed[0]}"
        kept = decide(comparison, margin=comparison.margin, vetoes=[veto])
        fits, verdict = final_fits(folder, comparison, kept, plan, raw)
    return {**fits, "failed": [*failed, *fits.get("failed", [])]}, verdict


def development_targets(folder: StudyFolder) -> np.ndarray:
    """Encoded targets of the development rows."""
    scope = Scope(folder.scope("evaluated"))
    return scope.context.schema.encode_target(scope.training)

"""The flow `study`: from a real table to a verdict."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

from prefect import flow
from prefect.context import TagsContext
from threadpoolctl import threadpool_limits

from realmix.flows.engines.choose import open_workers, storage_here, threads
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.cache import cache_at, make_cache
from realmix.tasks.runtime.shared_storage import open_storage, share
from realmix.tasks.runtime.study_folder import StudyFolder, home, new_folder
from realmix.tasks.study.compare import compare_arms
from realmix.tasks.study.development import Development
from realmix.tasks.study.examine import examine
from realmix.tasks.study.fairness import repair_fairness
from realmix.tasks.study.ingest import ingest
from realmix.tasks.study.plan import announce, note_seconds, on_usable_gpu, plan_study, trained_on_gpu
from realmix.tasks.study.privacy import StudyPools, could_ship, write_privacy
from realmix.tasks.study.race import race, worker_seconds
from realmix.tasks.study.refit import arms_of, fit_winner, thresholds_of
from realmix.tasks.study.report import publish
from realmix.tasks.study.request import read_plan, with_plugins
from realmix.tasks.study.reuse import keep_study, study_key
from realmix.tasks.study.rows_saved import rows_saved
from realmix.tasks.study.ship import Stages, ship
from realmix.tasks.study.split import development_targets, lay_folds, split_holdout
from realmix.tasks.study.track import open_store
from realmix.tasks.study.validate import gate_raw

log = logging.getLogger("realmix")


@flow(name="study", flow_run_name="study-{request.out}", task_runner=threads())
def study(request: StudyRequest) -> dict[str, Any]:
    """Decide whether synthetic training rows make a model of this table better.

    Parameters
    ----------
    request : StudyRequest

    Returns
    -------
    dict
        The verdict document, as written to ``verdict.json``.

    Notes
    -----
    Requires: a writable folder. ``REALMIX_HOME``, ``MLFLOW_TRACKING_URI`` and ``PREFECT_API_URL`` replace
    the embedded servers and folders.
    """
    # Sums over several threads differ in the last bit with the number of processors. No tags: for each
    # task of a tagged run, Prefect requests a concurrency slot from the server.
    with threadpool_limits(limits=1), TagsContext(current_tags=set()):
        return _study(with_plugins(request))


def _study(request: StudyRequest) -> dict[str, Any]:
    cache = cache_at(make_cache(home()))
    n_taken_before = cache.n_taken
    path = Path(request.out or new_folder(request)).absolute()
    folder = StudyFolder(path, cache.folder, storage_here(request.storage, path.name))
    folder.work.mkdir(parents=True, exist_ok=True)
    clock = Stages()
    with cache.pinned(), open_storage(folder), open_workers(folder.work / "workers.log", folder.storage):
        with clock("ingest"):
            ingested = ingest(request)
        with clock("validate"):
            table = gate_raw(ingested, folder)
        with clock("plan"):
            replayed = read_plan(Path(request.plan)) if request.plan else None
            rule = replayed.holdout if replayed else None
            seed = replayed.seed if replayed else request.seed
            on_gpu = on_usable_gpu(replayed.on_gpu if replayed else trained_on_gpu(request.device))
            split, rule = split_holdout(table, folder, rule=rule, seed=seed, on_gpu=on_gpu)
            table.snapshot.forget_rows()
            plan = plan_study(request, table, split, rule, folder, development_targets(folder))
        announce(plan)
        # MLflow is opened in a thread of this process, not in a task, which a cluster might run on another
        # machine; after the plan, whose timing of this machine needs the processors for itself.
        opening = Thread(target=open_store, args=(folder, table.name))
        opening.start()
        with clock("race"):
            layout = lay_folds(folder, plan)
            share(folder, *(block.scope for block in layout.blocks))
            development = Development(folder.work)
            raced = race(folder, layout, development)
        clock.worker_seconds = worker_seconds(raced)
        with clock("compare"):
            pools = StudyPools(folder, layout, development)
            comparison, verdict = compare_arms(folder, layout, development, raced.oof, pools)
            # One thread of this process attacks while the workers fit.
            attacks = ThreadPoolExecutor(1).submit(pools.describe, could_ship(comparison))
            examine(folder, layout, development, raced.oof, comparison)
            repair_fairness(folder, layout, development, raced.oof, comparison)
        with clock("rows saved"):
            saved = rows_saved(folder, layout, development, raced.oof, comparison)
            write_privacy(folder, attacks)
        with clock("refit"):
            fits, verdict = fit_winner(folder, comparison, verdict, plan, table)
    if n_taken := cache.n_taken - n_taken_before:
        log.info("%d results of earlier runs were taken from the cache", n_taken)

    def write(holdout: dict[str, Any] | None) -> VerdictDocument:
        oof, seconds = raced.oof, clock.all_seconds()
        return publish(folder, table, split, layout, development, oof, comparison, verdict, fits, holdout,
                       raced.pools, seconds, saved)  # fmt: skip

    opening.join()
    arms = arms_of(comparison, verdict)
    document = ship(folder, table, arms, thresholds_of(comparison, arms), plan, write, clock)
    if not (n_taken or replayed):
        note_seconds(plan, clock.seconds)
    name, card, schema = ingested.name, ingested.card, ingested.schema
    keep_study(folder, study_key(request, ingested.snapshot.digest, name, card, schema), document)
    return document

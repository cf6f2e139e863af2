"""The flow `retrain`: admit new rows, test them for drift, and refit or study again if needed."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from prefect import flow
from threadpoolctl import threadpool_limits

from realmix.flows.engines.choose import open_workers, threads
from realmix.flows.study import study
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.lifecycle.retrain_level import LevelChoice, choose_level
from realmix.tasks.core.lifecycle.retraining_entry import RETRAINING, last_study, retraining_entry
from realmix.tasks.core.plan.final_fit import describe_final_fit
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.lifecycle.admit import admit_waiting, start_new_epoch
from realmix.tasks.lifecycle.clean import clean_up
from realmix.tasks.lifecycle.drift import changes_since_study, next_folder
from realmix.tasks.lifecycle.model_files import check_study
from realmix.tasks.lifecycle.notify import notify, notify_of_judgement, notify_of_refused
from realmix.tasks.lifecycle.promote import review_challenger, sync, write_history
from realmix.tasks.lifecycle.refit_winner import copy_plan, fit_again, last_winner, publish_refit
from realmix.tasks.runtime.database import decisions, record_decision, registered_table
from realmix.tasks.runtime.leases import table_lock
from realmix.tasks.runtime.study_folder import StudyFolder, home
from realmix.tasks.study.ingest import ingest
from realmix.tasks.study.plan import on_usable_gpu
from realmix.tasks.study.ship import Stages, ship
from realmix.tasks.study.split import split_holdout
from realmix.tasks.study.validate import gate_raw

log = logging.getLogger("realmix")


@flow(name="retrain", flow_run_name="retrain-{table}", task_runner=threads())
def retrain(table: str, why: str = "asked") -> dict[str, Any]:
    """Admit the waiting batches of a table, then skip, refit the last winner or run a new study.

    Parameters
    ----------
    table : str
        Name of a registered table.
    why : str
        What requested it, for the record of decisions.

    Returns
    -------
    dict
        The entry in the record of decisions: ``level`` (skip, refit or study), ``reason``, rows, drift,
        and the judgement on the challenger (the new model version).

    Notes
    -----
    Requires: a writable ``REALMIX_HOME``. A second run for the same table waits. If a run is killed, the
    next one resumes: batches are admitted one by one, finished fits are in the cache, a model version is
    registered once, and the entry is written at the end.
    """
    with table_lock(table), threadpool_limits(limits=1):
        try:
            return _retrain(table, why)
        except Exception as err:
            message = str(err) if isinstance(err, RealmixError) else type(err).__name__
            notify(registered_table(table).card.operation, table, "failed", message)
            raise


def _retrain(name: str, why: str) -> dict[str, Any]:
    sync(name)
    arrivals = admit_waiting(name)
    table = registered_table(name)
    notify_of_refused(table, arrivals)
    folder = next_folder(table)
    since, drift = changes_since_study(table, now=datetime.datetime.now(datetime.UTC), folder=folder, seed=0)
    choice = choose_level(since, table.card.operation, is_changed=table.decided != table.snapshot)
    log.info("%s: %s, because %s", name, choice.level, choice.reason)
    document = None if choice.level == "skip" else study_or_refit(table, choice, folder)
    judgement = None
    if document is not None:
        is_critical = drift is not None and drift.level == "critical"
        judgement = review_challenger(table, document, drift_is_critical=is_critical)
        if drift is not None and drift.level != "none":
            notify(table.card.operation, name, "drift", drift.sentence)
        notify_of_judgement(table, judgement)
    entry = retraining_entry(table, why, choice, since, drift, arrivals, document, judgement).to_dict()
    decision = record_decision(name, RETRAINING, entry, decided=table.snapshot)
    write_history(name)
    clean_up()
    return {"made_at": decision.made_at, **entry}


def study_or_refit(table: Registered, choice: LevelChoice, folder: StudyFolder) -> dict[str, Any]:
    """Run a new study or refit the last winner on today's rows; if the refit fails, run a study."""
    if (folder.path / "verdict.json").exists() and (folder.path / "tracking.json").exists():
        return dict(folder.read_json("verdict.json"), tracking=folder.read_json("tracking.json"))
    last = last_study(decisions(table.name, RETRAINING))
    request = StudyRequest(
        table=f"table:{table.name}",
        budget_seconds=table.card.operation.budget_seconds,
        device=table.card.operation.device,
        out=str(folder.path),
        first=last.document["winner"]["synthesizer"] if last else None,
    )
    if choice.level == "refit" and last:
        former = StudyFolder(home() / "studies" / last.document["study"])
        try:
            check_study(table.name, former.path)
            return refit_winner(request, former, folder)
        except RealmixError as err:
            log.warning("the refit failed (%s): running a full study instead", err)
    if last:
        start_new_epoch(table)
    return study(request)


def refit_winner(request: StudyRequest, former: StudyFolder, folder: StudyFolder) -> dict[str, Any]:
    """Fit the winner of a former study on today's rows."""
    clock = Stages()
    document, plan, arms, thresholds = last_winner(former)
    folder.work.mkdir(parents=True, exist_ok=True)
    with open_workers(folder.work / "workers.log"):
        table = gate_raw(ingest(request), folder)
        on_gpu = on_usable_gpu(plan.on_gpu)
        split, _ = split_holdout(table, folder, rule=None, seed=plan.seed, on_gpu=on_gpu)
        table.snapshot.forget_rows()
        fit = fit_again(folder, arms, plan, table)
    copy_plan(former, folder)
    final_fit = describe_final_fit(arms["model"], plan, n_real=fit.n_real, n_synthetic=fit.n_synthetic)

    def write(holdout: dict[str, Any] | None) -> VerdictDocument:
        return publish_refit(folder, document, table, split, final_fit, holdout, clock.all_seconds())

    return ship(folder, table, arms, thresholds, plan, write, clock)

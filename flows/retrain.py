"""What new rows do: taken in, held against the old ones, and as much done again as they are worth."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from prefect import flow
from threadpoolctl import threadpool_limits

from flows.runners import open_pool, threads
from flows.study import results, study
from tasks.arrive import admit_waiting
from tasks.core.arms import Arm
from tasks.core.cards import schema_of
from tasks.core.config import StudyRequest
from tasks.core.drift import Drift
from tasks.core.errors import RealmixError
from tasks.core.final_fit import describe_final_fit
from tasks.core.plans import Plan
from tasks.core.redo import Redo, Since, how_much
from tasks.core.snapshots import open_snapshot
from tasks.core.state import (
    Registered,
    decisions,
    record_decision,
    registered_table,
    table_lock,
)
from tasks.core.store import make_store
from tasks.core.study import StudyFolder, Table, home
from tasks.evaluate import read_holdout
from tasks.ingest import ingest
from tasks.notify import Event, notify
from tasks.plan import on_usable_gpu
from tasks.promote import review_challenger, sync, write_history
from tasks.refit import package, refit
from tasks.renew import copy_plan, last_winner, publish_renewal
from tasks.since import RETRAINING, last_study, since_last_study
from tasks.split import split_holdout, start_epoch
from tasks.track import track
from tasks.validate import gate_raw, gate_training

log = logging.getLogger("realmix")


@flow(name="retrain", flow_run_name="retrain-{table}", task_runner=threads())
def retrain(table: str, why: str = "asked") -> dict[str, Any]:
    """Take in what waits for a table and do again as much of its study as that is worth.

    Parameters
    ----------
    table : str
        Of a registered table.
    why : str
        For the record: what asked for it.

    Returns
    -------
    dict
        The entry of the record: ``level`` (skip, refit or study), ``reason``, rows, drift, and the
        judgement on the challenger.

    Notes
    -----
    Requires: nothing but a writable home. A second run for the same table waits. After a kill the
    next run goes on: batches are taken in one by one, fits are looked up, a version is registered
    once, and the entry is written at the end.
    """
    with table_lock(table), threadpool_limits(limits=1):
        try:
            return _retrain(table, why)
        except Exception as err:
            said = str(err) if isinstance(err, RealmixError) else type(err).__name__
            notify(registered_table(table).card.operation, table, "failed", said)
            raise


def _retrain(name: str, why: str) -> dict[str, Any]:
    sync(name)
    arrivals = admit_waiting(name)
    table = registered_table(name)
    say_refused(table, arrivals)
    folder = next_folder(table)
    since, drift = since_last_study(table, now=datetime.datetime.now(datetime.UTC), folder=folder, seed=0)
    redo = how_much(since, table.card.operation, is_changed=table.decided != table.snapshot)
    log.info("%s: %s, because %s", name, redo.level, redo.reason)
    document = None if redo.level == "skip" else do_again(table, redo, folder)
    entry = entry_of(table, why, redo, since, drift, arrivals, document)
    if document is not None:
        is_critical = drift is not None and drift.level == "critical"
        judgement = review_challenger(table, document, drift_is_critical=is_critical)
        entry["judgement"] = judgement
        if drift is not None and drift.level != "none":
            notify(table.card.operation, name, "drift", drift.sentence)
        tell_judgement(table, judgement)
    decision = record_decision(name, RETRAINING, entry, decided=table.snapshot)
    write_history(name)
    return {"made_at": decision.made_at, **entry}


def tell_judgement(table: Registered, judgement: dict[str, Any]) -> None:
    """Tell that there is a new champion, or a challenger that waits; not of one that lost."""
    if judgement["word"] == "first" or judgement["word"] == "keep champion":
        return
    event: Event = "promoted" if judgement["promoted"] else "waiting"
    notify(table.card.operation, table.name, event, judgement["reason"])


def say_refused(table: Registered, arrivals: list[dict[str, Any]]) -> None:
    """Tell of batches that were kept out."""
    for arrival in arrivals:
        if arrival["status"] == "refused":
            notify(table.card.operation, table.name, "refused", f"{arrival['name']}: {arrival['reason']}")


def next_folder(table: Registered) -> StudyFolder:
    """Folder of the next retraining: the same one until its entry is written, so that it goes on there."""
    number = len(decisions(table.name, RETRAINING)) + 1
    path = home() / "studies" / f"{table.name}-{number:04d}-{table.snapshot[:8]}"
    path.mkdir(parents=True, exist_ok=True)
    return StudyFolder(path, make_store(home()))


def do_again(table: Registered, redo: Redo, folder: StudyFolder) -> dict[str, Any]:
    """Run the study, or fit its winner on the rows of today; a refit that fails becomes a study."""
    if (folder.path / "verdict.json").exists() and (folder.path / "tracking.json").exists():
        return dict(folder.read_json("verdict.json"), tracking=folder.read_json("tracking.json"))
    last = last_study(table.name)
    request = StudyRequest(
        table=f"table:{table.name}",
        budget_seconds=table.card.operation.budget_seconds,
        device=table.card.operation.device,
        out=str(folder.path),
        first=last.document["winner"]["synthesizer"] if last else None,
    )
    if redo.level == "refit" and last:
        try:
            return renew(request, StudyFolder(home() / "studies" / last.document["study"]), folder)
        except RealmixError as err:
            log.warning("the refit is not possible (%s): a whole study is run", err)
    if last:
        note_epoch(table)
    return study(request)


def note_epoch(table: Registered) -> None:
    """Start a new epoch of a table ordered in time, which a whole study may, and put it into the record."""
    snapshot = open_snapshot(home() / "snapshots" / f"{table.snapshot}.parquet")
    rows = snapshot.read()
    whole = Table(table.name, snapshot, snapshot.source, table.card, schema_of(rows, table.card))
    if moved := start_epoch(whole, rows):
        record_decision(
            table.name, "epoch", {"cutoff_before": moved[0], "cutoff": moved[1], "snapshot": table.snapshot}
        )


def renew(request: StudyRequest, former: StudyFolder, folder: StudyFolder) -> dict[str, Any]:
    """Fit the winner of a former study on the rows of today."""
    document, plan, arms = last_winner(former)
    folder.work.mkdir(parents=True, exist_ok=True)
    with open_pool(folder.work / "workers.log"):
        table = gate_raw(ingest(request), folder)
        on_gpu = on_usable_gpu(plan.on_gpu)
        split, _ = split_holdout(table, folder, rule=None, seed=plan.seed, on_gpu=on_gpu)
        fit = final_fits(folder, arms, plan, str(table.snapshot.path))
    copy_plan(former, folder)
    gate_training(table, folder)
    holdout = read_holdout(folder, table, plan)
    package(folder, arms)
    final_fit = describe_final_fit(arms["model"], plan, n_real=fit["n_real"], n_synthetic=fit["n_synthetic"])
    document = publish_renewal(folder, document, table, split, final_fit, holdout)
    return track(folder, document, {})


def final_fits(folder: StudyFolder, arms: dict[str, Arm], plan: Plan, raw: str) -> dict[str, Any]:
    """Both fits, on development rows and on all rows; what the shipped model's fit says.

    Raises
    ------
    RealmixError
        If a generator failed.
    """
    scopes = ("evaluated", "shipped")
    fits: dict[str, dict[str, Any]] = dict(
        zip(scopes, results([refit.submit(folder, scope, arms, plan, raw) for scope in scopes]), strict=True)
    )
    for scope, fit in fits.items():
        if fit["failure"]:
            raise RealmixError(f"the generator failed on {scope} rows: {fit['failure']}")
    shipped: dict[str, Any] = fits["shipped"]["model"]
    return shipped


def entry_of(
    table: Registered,
    why: str,
    redo: Redo,
    since: Since | None,
    drift: Drift | None,
    arrivals: list[dict[str, Any]],
    document: dict[str, Any] | None,
) -> dict[str, Any]:
    """What the record keeps of a retraining; no cells."""
    entry: dict[str, Any] = {
        "why": why,
        "level": redo.level,
        "reason": redo.reason,
        "snapshot": table.snapshot,
        "n_changed": since.n_changed if since else None,
        "drift": drift.to_dict() if drift else None,
        "arrivals": arrivals,
    }
    if document is None:
        return entry
    winner = document["winner"]
    return entry | {
        "study": document["study"],
        "n_rows": document["table"]["n_rows"],
        "verdict": document["word"],
        "winner": {"name": winner["name"], "synthesizer": winner["recipe"]["synthesizer"]},
        "promised_gain": document["validation"]["promised_gain"],
        "holdout": document["holdout"] and document["holdout"]["sentence"],
        "run_id": document["tracking"]["run_id"],
        "version": document["tracking"].get("version"),
    }

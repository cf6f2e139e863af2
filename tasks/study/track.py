"""Log a study to MLflow: an experiment per table, a parent run per study, a child run per mix."""

from __future__ import annotations

import dataclasses
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.errors import BadInput, NoAnswer
from realmix.tasks.core.report.mlflow_history import history_metrics, history_note
from realmix.tasks.core.report.mlflow_pages import curves_page, experiment_tags, runs_page
from realmix.tasks.core.report.mlflow_records import (
    RunRecord,
    arms_table,
    curve_key,
    mix_records,
    note,
    run_times,
    study_record,
)
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.database import note_tracked, note_untracked, untracked_studies
from realmix.tasks.runtime.leases import table_lock
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.study_folder import StudyFolder, home
from realmix.tasks.study.mlflow_runs import create_run, log_datasets, log_points, register
from realmix.tasks.study.retries import RETRIES, is_last_attempt, is_transient
from realmix.tasks.study.tracking_store import check_tracking_store

log = logging.getLogger("realmix")
ARTIFACTS = ("verdict.json", "report.html", "plan.json", "manifest.json")
# The models that ship, and the fit on development rows, with which model versions are compared.
MODELS = ("model", "real_only", "evaluated/model")
# The address of the table's page, behind that of the server; among the intermediate files.
MLFLOW_PAGE = "work/mlflow_page.json"


def open_store(folder: StudyFolder, table: str) -> None:
    """Set up MLflow's backend store while the race runs: its first use takes seconds; note the page of the table.

    An error here is ignored; it will occur again, and be logged, when the study is tracked.
    """
    with suppress(Exception):
        folder.write_json(MLFLOW_PAGE, runs_page(experiment_id(table)))


def ping() -> None:
    """Query MLflow's backend store; raise whatever it raises if it does not answer."""
    from mlflow import MlflowClient

    MlflowClient().search_experiments(max_results=1)


def make_database() -> None:
    """Create MLflow's SQLite file completely or not at all.

    MLflow creates its tables one by one, for seconds: a file whose creation was interrupted can never
    be opened again.
    """
    from mlflow import MlflowClient

    uri = settings().mlflow_tracking_uri
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or path.exists():
        return
    begun = path.with_name(f".{uuid.uuid4().hex}.db")
    try:
        MlflowClient(tracking_uri=f"sqlite:///{begun}").search_experiments(max_results=1)
        with suppress(FileExistsError):  # another process was faster
            path.hardlink_to(begun)
    finally:
        begun.unlink(missing_ok=True)


def experiment_id(table: str) -> str:
    """Return the id of the table's experiment, created if there is none."""
    from mlflow import MlflowClient

    home().mkdir(parents=True, exist_ok=True)
    make_database()
    client = MlflowClient()
    found = client.get_experiment_by_name(table)
    if found is not None:
        return str(found.experiment_id)
    embedded = settings().mlflow_tracking_uri.startswith("sqlite:")
    place = (home() / "mlartifacts" / table).as_uri() if embedded else None
    return str(client.create_experiment(table, artifact_location=place, tags=experiment_tags(table)))


@task(task_run_name="track", cache_policy=NO_CACHE, **RETRIES)
def track(folder: StudyFolder, document: VerdictDocument) -> dict[str, Any]:
    """Log a finished study to MLflow; after an error :func:`track_again` does it later.

    Returns
    -------
    dict
        The document with ``tracking``: the run, or the error because of which there is none.
    """
    table = document.table.name
    with table_lock(f"{table}/tracking"):
        # The list of untracked studies first, MLflow second: after a kill in between it is logged later.
        note_untracked(folder.path, table)
        return document.to_dict() | {"tracking": _upload(folder, document)}


def track_again(path: Path) -> bool:
    """Log a study that is listed as untracked; False if it is gone or MLflow still fails."""
    folder = StudyFolder(path)
    if not (path / "verdict.json").exists():
        log.warning("%s is gone: its study will not be logged to MLflow", path)
        note_tracked(path)
        return False
    document = VerdictDocument.read(folder.read_json("verdict.json"))
    with table_lock(f"{document.table.name}/tracking"):
        # Another process may have logged it in the meantime.
        if path not in untracked_studies():
            return False
        return _upload(folder, document)["run_id"] is not None


def _upload(folder: StudyFolder, document: VerdictDocument) -> dict[str, Any]:
    """Log a study; return its run or the type of the error, also written to ``tracking.json``."""
    uri = settings().mlflow_tracking_uri
    tracking = {
        "uri": without_secrets(uri),
        "experiment": document.table.name,
        "run_id": None,
        "error": None,
    }
    try:
        tracking |= log_study(folder, document)
    except Exception as err:  # whatever a store or its driver raises, the study is done
        if not is_last_attempt() and _is_transient(err):
            raise NoAnswer(f"Logging the study to MLflow failed ({type(err).__name__}).") from None
        tracking["error"] = type(err).__name__
        # A driver's message may hold its URL.
        reason = str(err) if isinstance(err, BadInput) else tracking["error"]
        log.warning("logging the study to MLflow failed (%s); its files are in %s", reason, folder.path)
    folder.write_json("tracking.json", tracking)
    if tracking["run_id"]:
        note_tracked(folder.path)
    return tracking


def _is_transient(err: Exception) -> bool:
    """Return whether MLflow, its database or its object store may answer in some seconds."""
    # What MLflow raises where its server or database does not answer; requests it refuses have other codes.
    is_unanswered = getattr(err, "error_code", None) in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE")
    return is_transient(err) or is_unanswered or type(err).__module__.startswith(("botocore", "boto3"))


def log_study(folder: StudyFolder, document: VerdictDocument) -> dict[str, Any]:
    """Log the parent run, its children, its artifacts and the model version, each once."""
    from mlflow import MlflowClient

    check_tracking_store()
    client = MlflowClient()
    experiment = experiment_id(document.table.name)
    digest = file_digest(folder.path / "verdict.json")
    parent = find_finished_run(client, experiment, digest)
    if parent is None:
        of_study, of_race = run_times(document.seconds, (folder.path / "verdict.json").stat().st_mtime)
        record = study_record(document, datetime.fromtimestamp(of_study[0] / 1000).astimezone())
        record = dataclasses.replace(record, tags={**record.tags, "verdict_digest": digest})
        for key, value in experiment_tags(document.table.name).items():
            client.set_experiment_tag(experiment, key, value)
        parent = create_run(client, experiment, record, of_study)
        fill_run(client, parent, folder, document)
        curves = []
        for place, child in enumerate(mix_records(document)):
            # MLflow lists the newest first.
            times = (of_race[0] - place, of_race[1])
            run = create_run(client, experiment, child, times, parent=parent)
            client.set_terminated(run, end_time=of_race[1])
            curves += [run] if child.points else []
        if curves:
            page = curves_page(experiment, curve_key(document), curves)
            client.set_tag(parent, "mlflow.note.content", note(document, page))
        client.set_terminated(parent, end_time=of_study[1])
    found = {"run_id": parent, "page": runs_page(experiment)}
    if document.word == NOT_DECIDED:
        return found
    version = register(client, parent, folder, document)
    return {**found, "model": version["name"], "version": version["version"]}


def find_finished_run(client: Any, experiment: str, digest: str) -> str | None:
    """Return the run of a study that was logged before; delete what a killed process left of one."""
    finished = None
    for run in client.search_runs([experiment], f"tags.verdict_digest = '{digest}'"):
        if run.info.status == "FINISHED":
            finished = str(run.info.run_id)
            continue
        of_parent = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
        for child in client.search_runs([experiment], of_parent, max_results=10_000):
            client.delete_run(child.info.run_id)
        client.delete_run(run.info.run_id)
    return finished


def fill_run(client: Any, run: str, folder: StudyFolder, document: VerdictDocument) -> None:
    """Log tables, documents, datasets and models to the parent run."""
    client.log_table(run, arms_table(document), "arms.json")
    for name in ARTIFACTS:
        client.log_artifact(run, str(folder.path / name))
    log_datasets(client, run, folder, document)
    for role in MODELS:
        client.log_artifacts(run, str(folder.path / role), role)


def is_tracked(tracking: dict[str, Any]) -> bool:
    """Return whether the tracking server in use still has the run of a study.

    Parameters
    ----------
    tracking : dict
        From :func:`track`.
    """
    if tracking["uri"] != without_secrets(settings().mlflow_tracking_uri):
        return False
    from mlflow import MlflowClient

    try:
        return bool(MlflowClient().get_run(tracking["run_id"]).info.lifecycle_stage == "active")
    except Exception:  # whatever a store raises: the study is run again
        return False


def log_history(name: str, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Log a table's retrainings to its run "history"; what is logged already is not duplicated.

    Metrics of a retraining have its number as step and its moment as timestamp, and MLflow stores
    equal ones once: a run that was lost is written again, and a complete one does not change.

    Parameters
    ----------
    name : str
        Name of the table.
    entries : sequence of (moment, entry)
        Recorded retrainings, oldest first; moments as ISO 8601.
    """
    from mlflow import MlflowClient

    client, experiment = MlflowClient(), experiment_id(name)
    found = client.search_runs([experiment], "tags.kind = 'history'", order_by=["attributes.start_time"])
    if found:
        run = found[0].info.run_id
    else:
        now = round(1000 * time.time())
        run = create_run(client, experiment, RunRecord("history", {"kind": "history"}, {}, {}), (now, now))
        client.set_terminated(run)
    points = [
        (key, value, round(1000 * datetime.fromisoformat(moment).timestamp()), step)
        for step, (moment, entry) in enumerate(entries, start=1)
        for key, value in history_metrics(entry).items()
    ]
    log_points(client, run, points)
    client.set_tag(run, "mlflow.note.content", history_note(entries))

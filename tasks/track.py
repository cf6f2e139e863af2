"""Send a study to MLflow: experiment per table, parent run per study, child run per mix."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import suppress
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.locations import without_secrets
from tasks.core.runlog import RunRecord, arms_table, mix_records, ratio_curves, study_record
from tasks.core.study import StudyFolder, home

log = logging.getLogger("realmix")
ARTIFACTS = ("verdict.json", "report.html", "plan.json", "manifest.json")
CHAMPION = "champion"


def open_store(table: str) -> None:
    """Create MLflow's store while the race runs: its first use takes seconds.

    What fails here is tried, and said, again when the study is tracked.
    """
    with suppress(Exception):
        experiment_id(table)


def experiment_id(table: str) -> str:
    """Id of the table's experiment, which is made if need be."""
    from mlflow import MlflowClient

    home().mkdir(parents=True, exist_ok=True)
    client = MlflowClient()
    found = client.get_experiment_by_name(table)
    if found is not None:
        return str(found.experiment_id)
    embedded = os.environ.get("MLFLOW_TRACKING_URI", "").startswith("sqlite:")
    place = (home() / "mlartifacts" / table).as_uri() if embedded else None
    return str(client.create_experiment(table, artifact_location=place))


@task(task_run_name="track", cache_policy=NO_CACHE)
def track(folder: StudyFolder, document: dict[str, Any], figures: dict[str, str]) -> dict[str, Any]:
    """Log a finished study; a store that fails loses nothing, for the files are written.

    Returns
    -------
    dict
        The document with ``tracking``: where the run is, or why there is none.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    tracking = {
        "uri": without_secrets(uri),
        "experiment": document["table"]["name"],
        "run_id": None,
        "error": None,
    }
    try:
        tracking |= log_study(folder, document, figures)
    except Exception as err:  # whatever a store or its driver raises, the study is done
        tracking["error"] = type(err).__name__  # a driver's message may hold its URL
        log.warning("MLflow did not take the study (%s); all files are in %s", tracking["error"], folder.path)
    folder.write_json("tracking.json", tracking)
    return document | {"tracking": tracking}


def log_study(folder: StudyFolder, document: dict[str, Any], figures: dict[str, str]) -> dict[str, Any]:
    """Write the parent run, its children, its artifacts and the model version."""
    from mlflow import MlflowClient

    client = MlflowClient()
    experiment = experiment_id(document["table"]["name"])
    record = study_record(document)
    parent = create_run(client, experiment, record)
    for curve in ratio_curves(document):
        for step, value in curve.points:
            client.log_metric(parent, curve.key, value, step=step)
    client.log_table(parent, arms_table(document), "arms.json")
    for number, svg in enumerate(figures.values(), start=1):
        client.log_text(parent, svg, f"figures/figure-{number}.svg")
    for name in ARTIFACTS:
        client.log_artifact(parent, str(folder.path / name))
    log_datasets(client, parent, folder, document)
    for child in mix_records(document):
        run = create_run(client, experiment, child, parent=parent)
        client.set_terminated(run)
    version = register(client, parent, folder, document)
    client.set_terminated(parent)
    return {"run_id": parent, "model": version["name"], "version": version["version"]}


def is_tracked(tracking: dict[str, Any]) -> bool:
    """Whether the store in use still holds the run of a study.

    Parameters
    ----------
    tracking : dict
        From :func:`track`.
    """
    if tracking["uri"] != without_secrets(os.environ.get("MLFLOW_TRACKING_URI", "")):
        return False
    from mlflow import MlflowClient

    try:
        return bool(MlflowClient().get_run(tracking["run_id"]).info.lifecycle_stage == "active")
    except Exception:  # whatever a store raises: the study is run again
        return False


def create_run(client: Any, experiment: str, record: RunRecord, parent: str | None = None) -> str:
    """Create a run and write its record in one batch."""
    from mlflow.entities import Metric, Param

    tags = dict(record.tags) | ({"mlflow.parentRunId": parent} if parent else {})
    run = client.create_run(experiment, tags=tags, run_name=record.name).info.run_id
    now = int(time.time() * 1000)
    metrics = [Metric(key, value, now, 0) for key, value in record.metrics.items()]
    params = [Param(key, value) for key, value in record.params.items()]
    client.log_batch(run, metrics=metrics, params=params)
    return str(run)


def log_datasets(client: Any, run: str, folder: StudyFolder, document: dict[str, Any]) -> None:
    """Name the tables by our own digests; MLflow's own looks at the first rows only."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    training = pd.read_parquet(folder.path / "training.parquet")
    table, digests = document["table"], document["digests"]
    inputs = [
        (table["name"], digests["snapshot"], table["n_rows"], "snapshot"),
        (f"{table['name']}-training", digests["training"], len(training), "training"),
    ]
    datasets = [
        DatasetInput(
            dataset=Dataset(
                name=name,
                digest=digest[:36],
                source_type="local",
                source=json.dumps({"uri": without_secrets(table["source"])}),
                profile=json.dumps({"num_rows": n_rows}),
            ),
            tags=[InputTag("mlflow.data.context", context)],
        )
        for name, digest, n_rows, context in inputs
    ]
    client.log_inputs(run, datasets)


def register(client: Any, run: str, folder: StudyFolder, document: dict[str, Any]) -> dict[str, str]:
    """Register what ships, always; a table's first version becomes its champion."""
    from mlflow.exceptions import MlflowException

    for role in ("model", "real_only"):
        client.log_artifacts(run, str(folder.path / role), role)
    name = document["table"]["name"]
    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException:
        aliases = client.create_registered_model(name).aliases
    version = client.create_model_version(
        name,
        source=f"{client.get_run(run).info.artifact_uri}/model",
        run_id=run,
        tags={"verdict": document["word"], "study": document["study"], "arm": document["winner"]["name"]},
    )
    if CHAMPION not in aliases:
        client.set_registered_model_alias(name, CHAMPION, version.version)
    return {"name": name, "version": str(version.version)}

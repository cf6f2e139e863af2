"""Write runs, datasets and model versions to MLflow."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from realmix.tasks.core.report.mlflow_pages import model_description
from realmix.tasks.core.report.mlflow_records import RunRecord, version_description
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.package import DATA_SPEC

CHAMPION, CHALLENGER = "champion", "challenger"
# MLflow accepts no more in one batch.
METRICS_AT_ONCE = 1000


def create_run(
    client: Any, experiment: str, record: RunRecord, times: tuple[int, int], parent: str | None = None
) -> str:
    """Create a run that started and ended at these times, and write its record in one batch."""
    from mlflow.entities import Metric, Param

    origin = {"mlflow.user": _user(), "mlflow.source.name": "realmix", "mlflow.source.type": "LOCAL"}
    tags = origin | dict(record.tags) | ({"mlflow.parentRunId": parent} if parent else {})
    run = client.create_run(experiment, start_time=times[0], tags=tags, run_name=record.name).info.run_id
    metrics = [Metric(key, value, times[1], 0) for key, value in record.metrics.items()]
    metrics += [Metric(key, value, times[1], step) for key, value, step in record.points]
    params = [Param(key, value) for key, value in record.params.items()]
    client.log_batch(run, metrics=metrics, params=params)
    return str(run)


def _user() -> str:
    """Return who runs the study, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def log_points(client: Any, run: str, points: Sequence[tuple[str, float, int, int]]) -> None:
    """Log metrics, each with its key, value, timestamp in milliseconds and step, in as few calls as possible."""
    from mlflow.entities import Metric

    for start in range(0, len(points), METRICS_AT_ONCE):
        batch = [Metric(*point) for point in points[start : start + METRICS_AT_ONCE]]
        client.log_batch(run, metrics=batch)


def log_datasets(client: Any, run: str, folder: StudyFolder, document: VerdictDocument) -> None:
    """Log the tables with our own digests; MLflow's digest covers the first rows only."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    training = pd.read_parquet(folder.path / "training.parquet")
    table, digests = document.table, document.digests
    inputs = [
        (table.name, digests["snapshot"], table.n_rows, "snapshot"),
        (f"{table.name}-training", digests["training"], len(training), "training"),
    ]
    datasets = [
        DatasetInput(
            dataset=Dataset(
                name=name,
                digest=digest[:36],
                source_type="local",
                source=json.dumps({"uri": without_secrets(table.source)}),
                profile=json.dumps({"num_rows": n_rows}),
            ),
            tags=[InputTag("mlflow.data.context", context)],
        )
        for name, digest, n_rows, context in inputs
    ]
    client.log_inputs(run, datasets)


def register(client: Any, run: str, folder: StudyFolder, document: VerdictDocument) -> dict[str, str]:
    """Register the model that ships, once: the first version is the champion, a later one the challenger."""
    from mlflow.exceptions import MlflowException

    name = document.table.name
    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException:
        described = model_description(name, document.table.target)
        aliases = client.create_registered_model(name, description=described).aliases
    found = client.search_model_versions(f"run_id = '{run}'")
    version = found[0] if found else create_version(client, name, run, folder, document)
    number = str(version.version)
    if number not in {str(taken) for taken in aliases.values()}:
        alias = CHALLENGER if CHAMPION in aliases else CHAMPION
        client.set_registered_model_alias(name, alias, number)
    return {"name": name, "version": number}


def create_version(client: Any, name: str, run: str, folder: StudyFolder, document: VerdictDocument) -> Any:
    """Create a model version with its reason, scores and columns, tagged with its study, its arm and the verdict."""
    spec = json.loads((folder.path / "model" / DATA_SPEC).read_text(encoding="utf-8"))
    columns = {column["name"]: column["kind"] for column in spec["columns"]}
    return client.create_model_version(
        name,
        source=f"{client.get_run(run).info.artifact_uri}/model",
        run_id=run,
        tags={
            "verdict": document.word,
            "study": document.study,
            "arm": document.winner.name,
            "metric": document.metric.name,
            "snapshot": document.digests["snapshot"],
        },
        description=version_description(document, columns),
    )

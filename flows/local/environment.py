"""Settings every process of ours starts with, before Prefect or MLflow is imported."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from realmix.tasks.runtime.study_folder import home

# No library tells anybody anything; each can be overridden by setting it first.
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
}
# The embedded server is slow to start on a busy machine: 20 s, the default, is not enough.
EMBEDDED = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # What a user must know is said by us; Prefect and MLflow would add tracebacks to the sentences.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    # A server that is gone must not hold a study up: by default each call tries for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Cards and tables stay references; nothing of a run is worth a second copy.
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}


def prepare() -> None:
    """Set what is not set yet; call it before importing Prefect or MLflow."""
    for name, value in (QUIET | EMBEDDED).items():
        os.environ.setdefault(name, value)
    for name, value in running_servers().items():
        os.environ.setdefault(name, value)
    if "PREFECT_API_URL" not in os.environ:
        os.environ.setdefault("PREFECT_HOME", str(home() / "prefect"))
    os.environ.setdefault("MLFLOW_TRACKING_URI", tracking_uri(home()))
    # It is made once the study is checked; Prefect looks for it as soon as it is imported.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")


def running_servers() -> dict[str, str]:
    """Addresses of the servers of a `realmix up` in this home."""
    from realmix.flows.local.addresses import running

    found = running() or {}
    names = {"PREFECT_API_URL": "prefect_api_url", "MLFLOW_TRACKING_URI": "mlflow_tracking_uri"}
    return {name: found[key] for name, key in names.items() if found.get(key)}


def make_home() -> None:
    """Make the folders that Prefect and MLflow expect to find."""
    (home() / "prefect").mkdir(parents=True, exist_ok=True)


def tracking_uri(folder: Path) -> str:
    """MLflow's SQLite store in a folder."""
    return f"sqlite:///{folder / 'mlflow.db'}"

"""Settings of every realmix process, made before Prefect or MLflow is imported."""

from __future__ import annotations

import os
import re
import tomllib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from realmix.flows.local.access import MLFLOW_CLIENT, PREFECT_CLIENT
from realmix.flows.local.addresses import running
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.study_folder import home

# No telemetry of any library; each setting can be overridden in the environment.
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
    # realmix reports what a user must know; Prefect and MLflow would add tracebacks.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    # A notification of a run that failed is sent when the run is over.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    # A server that is down must not delay a study: by default each call retries for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Tasks pass paths and digests, so that Prefect need not store results.
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}


def prepare() -> None:
    """Set the variables that are not set yet; call this before importing Prefect or MLflow.

    Raises
    ------
    BadInput
        If the current folder holds settings of Prefect.
    """
    check_current_folder()
    set_defaults(QUIET | EMBEDDED)
    found = running() or {}
    for name, key, client in (
        ("PREFECT_API_URL", "prefect_api_url", PREFECT_CLIENT),
        ("MLFLOW_TRACKING_URI", "mlflow_tracking_uri", MLFLOW_CLIENT),
    ):
        # The password is given to the server of `realmix up` and to no other one.
        if found.get(key) and os.environ.setdefault(name, found[key]) == found[key]:
            login = found.get("login", {})
            set_defaults({variable: login[variable] for variable in client if variable in login})
    if "PREFECT_API_URL" not in os.environ:
        os.environ.setdefault("PREFECT_HOME", str(home() / "prefect"))
    os.environ.setdefault("MLFLOW_TRACKING_URI", tracking_uri(home()))
    # The folder is created once the study is checked; Prefect looks for it as soon as it is imported.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")


def check_current_folder() -> None:
    """Refuse settings of Prefect in the current folder, which Prefect would read from there.

    They may name functions to call (its logging does) and servers to send everything to; the folder may be anybody's.

    Raises
    ------
    BadInput
    """
    for name, sets_up_prefect in PREFECT_FILES.items():
        try:
            text = Path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:  # the usual case: there is none
            continue
        if sets_up_prefect(text):
            raise BadInput(
                f"The file {name} of the current folder sets up Prefect, which may run code or send your data elsewhere. "
                "Start realmix in another folder, and give settings of Prefect by environment variables."
            )


def _has_prefect_table(text: str) -> bool:
    try:
        tool = tomllib.loads(text).get("tool")
        return isinstance(tool, dict) and "prefect" in tool
    except tomllib.TOMLDecodeError:
        return "prefect" in text  # Prefect would end with a traceback of its own


# By what each of them holds where it is meant for Prefect.
PREFECT_FILES: dict[str, Callable[[str], bool]] = {
    "prefect.toml": lambda text: bool(text.strip()),
    "pyproject.toml": _has_prefect_table,
    ".env": lambda text: bool(re.search(r"(?im)^\s*(export\s+)?PREFECT_", text)),
}


def set_defaults(values: Mapping[str, str]) -> None:
    """Set the environment variables that are not set yet."""
    for name, value in values.items():
        os.environ.setdefault(name, value)


def make_home() -> None:
    """Create the folders that Prefect and MLflow expect to find; nobody else may look into the home."""
    (home() / "prefect").mkdir(parents=True, exist_ok=True)


def tracking_uri(folder: Path) -> str:
    """Return the URI of MLflow's SQLite database in a folder."""
    return f"sqlite:///{folder / 'mlflow.db'}"

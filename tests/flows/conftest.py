"""One Prefect server and one small study for all flow tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from realmix.flows.local import environment


def pytest_collection_modifyitems(items):
    """Third-party warnings that no flow test can avoid."""
    filters = (
        # MLflow's own classes are annotated with Any, of which it warns on import.
        "ignore:.*Any type hint is inferred as AnyType.*:UserWarning",
        # The embedded server's sockets are closed by the end of its process.
        "ignore::ResourceWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    )
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for text in filters:
                item.add_marker(pytest.mark.filterwarnings(text))


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """A home of its own, with every library's telemetry off."""
    home = tmp_path_factory.mktemp("home")
    before = dict(os.environ)
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)
    os.environ["REALMIX_HOME"] = str(home / ".realmix")
    environment.prepare()
    environment.make_home()
    yield home
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def prefect_server(workspace):
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # Without a heartbeat a flow run ends a second sooner.
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture(scope="session")
def small_request():
    """Makes requests for a study of seconds."""
    return _small_request


def _small_request(out: Path, **changes):
    from realmix.tasks.core.table.request import StudyRequest

    asked = {
        "table": "bundled:bank_marketing?rows=1200",
        "synthesizers": ("sequential-trees", "smote"),
        "ratios": (1.0,),
        "models": ("xgboost", "linear"),
        "budget_seconds": 60,
        "out": str(out),
    }
    return StudyRequest(**{**asked, **changes})


@pytest.fixture(scope="session")
def finished(prefect_server, workspace):
    """A finished study of the bundled table, with its intermediate files: its folder and its document."""
    from prefect import tags

    from realmix.flows.study import study
    from realmix.tasks.runtime.study_folder import StudyFolder

    out = workspace / "runs" / "first"
    with tags("of-the-run"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudyFolder, "clear_work", lambda folder: None)
        return out, study(_small_request(out))

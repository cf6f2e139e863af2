"""Compare MLflow's store or server with the MLflow that is installed, before a study starts."""

from __future__ import annotations

from pathlib import Path

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.mlflow_pages import runs_page
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.core.versions import require
from realmix.tasks.runtime.settings import settings

# A server that is down is no reason to wait: studies finish without it.
TIMEOUT_SECONDS = 5
HTTP = ("http://", "https://")


def check_tracking_store() -> None:
    """Refuse an MLflow store or server of another version; one that does not answer is left alone.

    Raises
    ------
    BadInput
        If the schema of the database that ``MLFLOW_TRACKING_URI`` names is older or newer than the installed
        MLflow's, the server has another major version, or an earlier minor one, or PostgreSQL's driver is missing.
    """
    uri = settings().mlflow_tracking_uri
    if uri.startswith(HTTP):
        _check_server(uri)
    elif "://" in uri and not uri.startswith("file:"):
        _check_database(uri)


def pages_of(uri: str) -> dict[str, str]:
    """Return the page of each experiment that has runs in a local database, by its name.

    Parameters
    ----------
    uri : str
        Of a database; it is neither created nor changed.

    Returns
    -------
    dict
        Name of the experiment, which is that of the table, to the part of the address behind the server's.
    """
    import sqlalchemy

    if _stored_revision(uri) is None:
        return {}
    query = (
        "SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active' "
        "AND experiment_id IN (SELECT experiment_id FROM runs) ORDER BY name"
    )
    with sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool).connect() as connection:
        found = connection.execute(sqlalchemy.text(query)).all()
    return {name: runs_page(str(key)) for key, name in found}


def _check_server(uri: str) -> None:
    from mlflow import __version__
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        answer = http_request(
            get_default_host_creds(uri), "/version", "GET", max_retries=0, timeout=TIMEOUT_SECONDS
        )
    except Exception:  # whatever a client raises: the study is logged later
        return
    found, ours = _numbers(answer.text if answer.status_code == 200 else ""), _numbers(__version__)
    if found and ours and (found[0] != ours[0] or found < ours):
        raise BadInput(
            f"The MLflow server {without_secrets(uri)} has version {answer.text.strip()}, {__version__} is installed "
            f"here: install mlflow {ours[0]}.{ours[1]} on the server, or name another one in MLFLOW_TRACKING_URI."
        )


def _numbers(version: str) -> tuple[int, int] | None:
    """Return the major and minor number of a version; None for anything else.

    Examples
    --------
    >>> _numbers("3.17.2"), _numbers("<html>")
    ((3, 17), None)
    """
    parts = version.strip().split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return None
    return int(parts[0]), int(parts[1])


def _check_database(uri: str) -> None:
    found = _stored_revision(uri)
    if found is None:
        return
    from mlflow import __version__

    revisions = _known_revisions()
    if found == revisions[0]:
        return
    fix = (
        "back it up, then run `mlflow db upgrade` with its URI"
        if found in revisions
        else "a newer MLflow has made it, so install that version here"
    )
    raise BadInput(
        f"MLflow's database {without_secrets(uri)} has the schema {found}, MLflow {__version__} expects "
        f"{revisions[0]}: {fix}, or name another one in MLFLOW_TRACKING_URI."
    )


def _stored_revision(uri: str) -> str | None:
    """Read the schema's revision; None where there is no database yet, or none that answers."""
    import sqlalchemy

    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return None  # opening it would create it
    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
    except ModuleNotFoundError as err:
        if err.name == "psycopg2":
            require("psycopg2", "postgres", "MLflow's database in PostgreSQL")
        return None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError):  # a port that is no number
        return None
    return str(found) if found else None


def _known_revisions() -> list[str]:
    """Return the revisions of the installed MLflow's schema, latest first."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return [script.revision for script in scripts.walk_revisions()]

"""The password of this home's servers: made once, kept in a file that its user alone can read.

It travels by environment variables, never by arguments, which anybody on the machine can list.
"""

from __future__ import annotations

import base64
import configparser
import os
import secrets
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from realmix import infra
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import home

USER = "realmix"
PASSWORD, USERS, MLFLOW_AUTH = "password", "mlflow-users.db", "mlflow-auth.ini"
PREFECT_CLIENT = ("PREFECT_API_AUTH_STRING",)
MLFLOW_CLIENT = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
# Of urlopen: nobody is there, it is no web server, or the address is none.
NO_ANSWER = (OSError, HTTPException, ValueError)


def password() -> str:
    """Return the password of this home's servers; make one if there is none, or others could read it.

    Raises
    ------
    BadInput
        If the file system cannot keep others from reading it.
    """
    path = home() / PASSWORD
    if path.exists() and not path.stat().st_mode & 0o077:
        return path.read_text(encoding="utf-8").strip()
    # MLflow takes the password of its first start; its users begin anew with the new one.
    (home() / USERS).unlink(missing_ok=True)
    made = secrets.token_urlsafe(32)
    write_atomically(path, lambda file: write_private(file, made + "\n"))
    if path.stat().st_mode & 0o077:
        raise BadInput(
            f"Others may read {path}, expected a file system that keeps a file for its user alone: set "
            "REALMIX_HOME to a folder on another one."
        )
    return made


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its user can read, whatever the umask of the process is."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def prefect_access(port: int) -> dict[str, str]:
    """Return variables of a Prefect server on loopback and of its clients.

    Parameters
    ----------
    port : int
        Of 127.0.0.1; pages of no other origin may read an answer.
    """
    return {
        **prefect_login(f"{USER}:{password()}"),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
    }


def prefect_login(user_and_password: str) -> dict[str, str]:
    """Return variables by which a Prefect server asks for a password and its clients give it."""
    return dict.fromkeys(("PREFECT_SERVER_API_AUTH_STRING", *PREFECT_CLIENT), user_and_password)


def mlflow_access(port: int) -> dict[str, str]:
    """Return variables of an MLflow server on loopback with one user, and of its clients.

    Parameters
    ----------
    port : int
        Of 127.0.0.1; pages of no other origin may read an answer, and no other host name is answered.
    """
    # As on a team's server, but for one user, and for pages of its own only.
    options = configparser.ConfigParser()
    options.read(Path(infra.__file__).with_name(MLFLOW_AUTH), encoding="utf-8")
    options["mlflow"].update(
        admin_username=USER,
        # A percent sign begins the name of another option.
        database_uri=f"sqlite:///{home() / USERS}".replace("%", "%%"),
        authorization_function="realmix.flows.local.mlflow_login:authenticate",
    )
    with (home() / MLFLOW_AUTH).open("w", encoding="utf-8") as file:
        options.write(file)
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(home() / MLFLOW_AUTH),
        "MLFLOW_AUTH_ADMIN_PASSWORD": password(),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_urlsafe(32),
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port}",
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        **dict(zip(MLFLOW_CLIENT, (USER, password()), strict=True)),
    }


def why_no_prefect() -> str | None:
    """Return a sentence if the Prefect server that PREFECT_API_URL names does not let this user in."""
    named = settings().prefect_api_url
    url = without_secrets(named)
    headers = {"Content-Type": "application/json"}
    if login := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    elif key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    try:
        with urlopen(Request(f"{named}/flows/filter", b'{"limit": 1}', headers), timeout=30):
            return None
    except HTTPError as err:
        err.close()
        if err.code in (401, 403):
            return f"{url} refuses this login: set PREFECT_API_AUTH_STRING to its user:password."
        return f"{url} answers with an error ({err.code}): see its log."
    except NO_ANSWER as err:
        return f"{url} does not answer ({type(err).__name__}): start it, or unset PREFECT_API_URL."

"""What the environment sets: one frozen object, read where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from realmix.tasks.core.errors import BadInput


def _is_named(path: Path) -> Path:
    if path == Path():
        raise ValueError("a folder that is not the current one")
    return path.expanduser().absolute()


def _is_http(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a bracket that never closes, a port that is no number
        is_address = False
    if value and not is_address:
        raise ValueError("an address such as http://127.0.0.1:4200/api")
    return value


class Settings(BaseSettings):
    """Settings of this process.

    Each field is one environment variable. The variables of libraries (``AWS_…``, ``PREFECT_…``, ``MLFLOW_…``)
    are theirs; the two that realmix itself looks at are fields, too.

    Attributes
    ----------
    home : Path
        Absolute.
    sql_url, state_url : SecretStr or None
    mlflow_tracking_uri, prefect_api_url : str
        Empty where the embedded one is used and no command has set it up yet.

    Examples
    --------
    >>> Settings(REALMIX_HOME="/srv/realmix").home.as_posix()
    '/srv/realmix'
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=False)

    home: Annotated[Path, AfterValidator(_is_named)] = Field(
        default=Path(".realmix"),
        validation_alias="REALMIX_HOME",
        validate_default=True,
        description="folder of everything that outlives a study: snapshots, holdout rules, cache, MLflow's files",
    )
    sql_url: SecretStr | None = Field(
        default=None,
        validation_alias="REALMIX_SQL_URL",
        description="SQLAlchemy URL of the database that holds `sql:` tables",
    )
    state_url: SecretStr | None = Field(
        default=None,
        validation_alias="REALMIX_STATE_URL",
        description="SQLAlchemy URL of the database of registered tables, batches and decisions",
    )
    mlflow_tracking_uri: str = Field(
        default="",
        validation_alias="MLFLOW_TRACKING_URI",
        description="MLflow server or store",
    )
    prefect_api_url: Annotated[str, AfterValidator(_is_http)] = Field(
        default="",
        validation_alias="PREFECT_API_URL",
        description="Prefect server, with `/api`",
    )


def settings() -> Settings:
    """Read the settings; commands that start servers set some of the variables while they run.

    Raises
    ------
    BadInput
        If a variable cannot be used; its value, which may be a secret, is not shown.
    """
    try:
        return Settings()
    except ValidationError as err:
        first = err.errors(include_input=False)[0]
        expected = str(first.get("ctx", {}).get("error") or first["msg"])
        raise BadInput(
            f"The environment variable {first['loc'][0]} cannot be used; expected {expected}. Correct or unset it."
        ) from None

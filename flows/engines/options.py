"""The options that say where a study runs, checked without importing any engine."""

from __future__ import annotations

from typing import Literal

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.core.versions import require

Runner = Literal["threads", "dask"]


def check_runner(runner: Runner, address: str | None, storage: str | None = None) -> None:
    """Refuse options that contradict each other or need a missing package.

    Raises
    ------
    BadInput
        If an address or storage is given without Dask, or Dask is not installed.

    Examples
    --------
    >>> check_runner("threads", None)
    """
    if runner == "threads" and address:
        raise BadInput(
            f"--address {address} is the address of a Dask scheduler: add --runner dask, or remove --address."
        )
    if runner == "threads" and storage:
        raise BadInput(
            f"--storage {without_secrets(storage)} is for the workers of a Dask cluster: add --runner dask, or remove --storage."
        )
    if runner == "dask":
        require("prefect_dask", "dask", "--runner dask")

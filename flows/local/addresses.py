"""Find the servers of the `realmix up` that runs in this home."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from realmix.tasks.runtime.study_folder import home, is_held

LOCK, ADDRESSES = "up.lock", "up.json"


def running() -> dict[str, Any] | None:
    """Return the addresses of the `realmix up` that runs in this home.

    Returns
    -------
    dict or None
        ``pid``, ``prefect_api_url``, ``mlflow_tracking_uri``, and the ``login`` of the servers that it started
        as environment variables of clients; None if none runs. This is decided by the lock, which the system releases when the process ends, however it ends.
    """
    if not is_locked():
        return None
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads((home() / ADDRESSES).read_text(encoding="utf-8"))
        return found
    return None


def is_locked() -> bool:
    """Return whether a `realmix up` runs in this home."""
    return is_held(home() / LOCK)
